// gate / (1 + exp(−gate)) · up
#include "exponential.glsl"

float swiGlu(float gate, float up) {
  float e = exponential(-abs(gate)); // at most 1, so that nothing on the way leaves the range of float
  return (gate < 0 ? gate * e : gate) / (1 + e) * up;
}
