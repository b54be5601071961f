#version 460
// out = gate / (1 + exp(−gate)) · up. A thread has elements.

layout(local_size_x = 64) in;

#include "memory.glsl"
#include "gate.glsl"

layout(push_constant) uniform Arguments {
  Floats gate;
  Floats up;
  Floats outputs;
  uint count;
};

void main() {
  for (uint i = gl_GlobalInvocationID.x; i < count; i += gl_NumWorkGroups.x * gl_WorkGroupSize.x) {
    outputs.at[i] = swiGlu(gate.at[i], up.at[i]);
  }
}
