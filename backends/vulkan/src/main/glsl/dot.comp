#version 460
// Multiplies bytes and sums them in registers and does nothing else, for what a device gives at most:
// fma.comp with four products a step.

layout(local_size_x = 128) in;

#include "memory.glsl"
#include "dot.glsl"

layout(push_constant) uniform Arguments {
  Words outputs; // written, to no purpose, if the chains' ends make one number of all: nothing can be left out
  uint factors;  // four bytes
};

const uint CHAINS = 8;
const uint STEPS = 512;
const uint UNROLLED = 8;

void main() {
  int chains[CHAINS];
  [[unroll]] for (uint c = 0; c < CHAINS; c++) {
    chains[c] = int(gl_GlobalInvocationID.x * CHAINS + c);
  }
  for (uint step = 0; step < STEPS; step += UNROLLED) {
    [[unroll]] for (uint i = 0; i < UNROLLED; i++) {
      [[unroll]] for (uint c = 0; c < CHAINS; c++) {
        chains[c] += dot4(uint(chains[c]), factors);
      }
    }
  }
  int sum = 0;
  [[unroll]] for (uint c = 0; c < CHAINS; c++) {
    sum ^= chains[c];
  }
  if (sum == 0x12345678) {
    outputs.at[0] = 1;
  }
}
