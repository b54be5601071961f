#version 460
// out = gate / (1 + exp(−gate)) · up. A thread has elements.

layout(local_size_x = 64) in;

#include "memory.glsl"
#include "exponential.glsl"

layout(push_constant) uniform Arguments {
  Floats gate;
  Floats up;
  Floats outputs;
  uint count;
};

void main() {
  for (uint i = gl_GlobalInvocationID.x; i < count; i += gl_NumWorkGroups.x * gl_WorkGroupSize.x) {
    float g = gate.at[i];
    float e = exponential(-abs(g)); // at most 1, so that nothing on the way leaves the range of float
    outputs.at[i] = (g < 0 ? g * e : g) / (1 + e) * up.at[i];
  }
}
