// Division rounded to nearest, as Java's: the built-in one may be off by 2.5 units in the last place.

layout(constant_id = 0) const int OFF = 0; // for tests: how many units the built-in quotient is made worse

// a - q * b, exactly where q is within a unit of a / b: the product in two floats (Dekker), since fma need not be fused.
float residual(float q, float a, float b) {
  precise float splitQ = 4097 * q;
  precise float qHigh = splitQ - (splitQ - q);
  precise float qLow = q - qHigh;
  precise float splitB = 4097 * b;
  precise float bHigh = splitB - (splitB - b);
  precise float bLow = b - bHigh;
  precise float product = q * b;
  precise float rest = ((qHigh * bHigh - product) + qHigh * bLow + qLow * bHigh) + qLow * bLow;
  precise float left = (a - product) - rest;
  return left;
}

// a / b for b > 0. Below 2^-20 and from 2^21 on what the encoder does next (clamps, rounds, clips) does not depend on the last
// digit.
float divide(float a, float b) {
  precise float q = a / b;
  if (!(abs(q) >= 9.5367431640625e-7 && abs(q) < 2097152.0)) {
    return q;
  }
  q = intBitsToFloat(floatBitsToInt(q) + OFF);
  float left = residual(q, a, b);
  for (int i = 0; i < 8; i++) {
    // The neighbour on the side of what is left over. No quotient lies halfway between two floats.
    float next = intBitsToFloat(floatBitsToInt(q) + ((left > 0) == (q > 0) ? 1 : -1));
    float leftOfNext = residual(next, a, b);
    if (!(abs(leftOfNext) < abs(left))) {
      break;
    }
    q = next;
    left = leftOfNext;
  }
  return q;
}
