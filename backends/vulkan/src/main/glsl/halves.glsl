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
  uint exponent = bits >> 10 & 31;
  uint mantissa = bits & 1023;
  float size = exponent == 0 ? float(mantissa) * 5.9604644775390625e-8
      : uintBitsToFloat((exponent == 31 ? 255u : exponent + 112) << 23 | mantissa << 13);
  return (bits & 0x8000) != 0 ? -size : size;
}

float halfAt(Words words, uint index) {
  return halfOf(shortAt(words, index));
}
