// The range of an encoder from the ends lo and hi of its inputs, with N the largest count: θ = clamp((hi − lo)/N, 1e-5, 1e4),
// zero = round(clamp(−lo/θ, −1e4, 1e4)); with both signs θ = clamp(max(|lo|, |hi|)/N, 1e-5, 1e4), and no zero point.
#include "division.glsl"

float thetaOf(float high, float negativeLow, float most, bool bothSigns) {
  precise float range = bothSigns ? max(abs(high), abs(negativeLow)) : high + negativeLow;
  return min(max(divide(range, most), 1e-5), 1e4);
}

float zeroOf(float negativeLow, float theta, bool bothSigns) {
  return bothSigns ? 0 : roundEven(min(max(divide(negativeLow, theta), -1e4), 1e4));
}

// n = clip(round(x/θ) + zero)
float countOf(float x, float theta, float zero, float least, float most) {
  return min(max(roundEven(divide(x, theta)) + zero, least), most);
}
