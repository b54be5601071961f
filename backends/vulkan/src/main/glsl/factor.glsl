// Elements of the right factor of a matrix product, F32, F16 or BF16 as TYPE says: 0, 1, 2.
#include "halves.glsl"

float element(Words factor, uint index) {
  return TYPE == 0 ? uintBitsToFloat(factor.at[index])
      : TYPE == 1 ? halfAt(factor, index)
      : uintBitsToFloat(shortAt(factor, index) << 16);
}
