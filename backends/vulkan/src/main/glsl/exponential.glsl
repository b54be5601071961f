// e^x within two units in the last place (Cephes expf); the built-in one may be off by 3 + 2 |x| of them. What is below the
// normal floats is 0; x is at most 88.7.
float exponential(float x) {
  float within = min(max(x, -88), 88.7);
  precise float n = roundEven(within * 1.44269504);
  precise float r = (within - n * 0.693359375) - n * -2.12194440e-4; // the first product is exact
  precise float p = 1.9875691500e-4;
  p = p * r + 1.3981999507e-3;
  p = p * r + 8.3334519073e-3;
  p = p * r + 4.1665795894e-2;
  p = p * r + 1.6666665459e-1;
  p = p * r + 5.0000001201e-1;
  p = p * (r * r) + r + 1;
  int firstHalf = int(n) / 2; // in two steps, since 2^128 is no float
  float power = p * intBitsToFloat((firstHalf + 127) << 23) * intBitsToFloat((int(n) - firstHalf + 127) << 23);
  return x < -87.33654 ? 0 : power;
}
