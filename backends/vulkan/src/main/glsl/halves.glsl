// Numbers of 16 bits in memory: read as such where the device can, else as halves of words.
#ifdef SHORTS
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int16 : require
layout(buffer_reference, std430, buffer_reference_align = 2) buffer Shorts { uint16_t at[]; };
#endif

uint shortAt(Words words, uint index) {
#ifdef SHORTS
  return uint(Shorts(words).at[index]);
#else
  return words.at[index >> 1] >> (16 * (index & 1)) & 0xffff;
#endif
}

// By hand, since unpackHalf2x16 and conversions may take small numbers for zero.
float halfOf(uint bits) {
  uint exponent = bits & 0x7c00;
  uint moved = (bits & 0x7fff) << 13; // exponent and mantissa where a float has them
  float size = exponent == 0 ? uintBitsToFloat(moved + (113 << 23)) - 6.103515625e-5 // 2^-14
      : uintBitsToFloat(moved + (exponent == 0x7c00 ? 224 << 23 : 112 << 23));
  return uintBitsToFloat(floatBitsToUint(size) | (bits & 0x8000) << 16);
}

float halfAt(Words words, uint index) {
  return halfOf(shortAt(words, index));
}
