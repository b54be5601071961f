// Signed 64-bit integers as (low, high), since not every device has them.

// sum += a * b, exactly.
void multiplyAdd(inout uvec2 sum, int a, int b) {
  int high;
  int low;
  imulExtended(a, b, high, low);
  uint carry;
  sum.x = uaddCarry(sum.x, uint(low), carry);
  sum.y += uint(high) + carry;
}

void shiftLeft8(inout uvec2 value) {
  value = uvec2(value.x << 8, (value.y << 8) | (value.x >> 24));
}

// The nearest float, half to even: what is cut off below 32 bits of the magnitude only matters by being there.
float toFloat(uvec2 value) {
  bool negative = int(value.y) < 0;
  uvec2 size = value;
  if (negative) {
    size = uvec2(~value.x + 1, ~value.y + (value.x == 0 ? 1 : 0));
  }
  float magnitude;
  if (size.y == 0) {
    magnitude = float(size.x);
  } else {
    int shift = findMSB(size.y) + 1;
    uint kept = shift == 32 ? size.y : (size.y << (32 - shift)) | (size.x >> shift);
    uint cut = shift == 32 ? size.x : size.x & ((1u << shift) - 1);
    magnitude = float(kept | (cut != 0 ? 1u : 0u)) * uintBitsToFloat(uint(127 + shift) << 23);
  }
  return negative ? -magnitude : magnitude;
}
