// Elements of the right factor of a matrix product, F32, F16 or BF16 as TYPE says: 0, 1, 2.
#include "halves.glsl"

float element(Words factor, uint index) {
  return TYPE == 0 ? uintBitsToFloat(factor.at[index])
      : TYPE == 1 ? halfAt(factor, index)
      : uintBitsToFloat(shortAt(factor, index) << 16);
}

// Elements 4i .. 4i + 3 of 16 bytes.
vec4 fourOf(uvec4 quad, uint i) {
  if (TYPE == 0) {
    return uintBitsToFloat(quad);
  }
  uvec4 bits = uvec4(quad[2 * i] & 0xffff, quad[2 * i] >> 16, quad[2 * i + 1] & 0xffff, quad[2 * i + 1] >> 16);
  return TYPE == 1 ? vec4(halfOf(bits.x), halfOf(bits.y), halfOf(bits.z), halfOf(bits.w)) : uintBitsToFloat(bits << 16);
}
