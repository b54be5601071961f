// Elements of the right factor of a matrix product, F32, F16 or BF16 as TYPE says: 0, 1, 2.

float element(Words factor, uint index) {
  if (TYPE == 0) {
    return uintBitsToFloat(factor.at[index]);
  }
  uint bits = factor.at[index >> 1] >> (16 * (index & 1)) & 0xffff;
  if (TYPE == 2) {
    return uintBitsToFloat(bits << 16);
  }
  // By hand, since unpackHalf2x16 may take small numbers for zero.
  uint exponent = bits >> 10 & 31;
  uint mantissa = bits & 1023;
  float size = exponent == 0 ? float(mantissa) * 5.9604644775390625e-8
      : uintBitsToFloat((exponent == 31 ? 255u : exponent + 112) << 23 | mantissa << 13);
  return (bits & 0x8000) != 0 ? -size : size;
}
