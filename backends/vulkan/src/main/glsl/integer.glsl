// The exact integer I = Σ_j (stored_j − zero) (code_j − codeZero) of a row, a token and a group of columns, from sums over the
// group: of the products of codes and each digit of what is stored, of the digits, of the codes.

// Modulo 2^32, for zero points with which I fits.
int narrowInteger(int products[DIGITS], int countSums[DIGITS], int codeSum, int zero, int codeZero, int width) {
  int integer = -zero * (codeSum - width * codeZero);
  [[unroll]] for (uint d = 0; d < DIGITS; d++) {
    integer += (products[d] - codeZero * countSums[d]) << (8 * d);
  }
  return integer;
}

// Rounded to float once.
float wideInteger(int products[DIGITS], int countSums[DIGITS], int codeSum, int zero, int codeZero, int width) {
  uvec2 integer = uvec2(0);
  [[unroll]] for (uint d = DIGITS; d-- > 0;) {
    shiftLeft8(integer);
    multiplyAdd(integer, products[d], 1);
    multiplyAdd(integer, countSums[d], -codeZero);
  }
  multiplyAdd(integer, -zero, codeSum);
  multiplyAdd(integer, zero, width * codeZero);
  return toFloat(integer);
}
