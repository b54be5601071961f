#version 460
// Multiplies and adds floats in registers and does nothing else, for what a device gives at most: eight chains a thread, each step
// of which waits for the one before.

layout(local_size_x = 128) in;

#include "memory.glsl"

layout(push_constant) uniform Arguments {
  Words outputs; // written if the chains' sum is a number that they cannot reach, which keeps them
  float factor;  // 0 to 1, and so all stay between 0 and 2
  float addend;
};

const uint CHAINS = 8;
const uint STEPS = 512;
const uint UNROLLED = 8;

void main() {
  float chains[CHAINS];
  [[unroll]] for (uint c = 0; c < CHAINS; c++) {
    chains[c] = 1 / float(gl_GlobalInvocationID.x + c + 1);
  }
  for (uint step = 0; step < STEPS; step += UNROLLED) {
    [[unroll]] for (uint i = 0; i < UNROLLED; i++) {
      [[unroll]] for (uint c = 0; c < CHAINS; c++) {
        chains[c] = fma(chains[c], factor, addend);
      }
    }
  }
  float sum = 0;
  [[unroll]] for (uint c = 0; c < CHAINS; c++) {
    sum += chains[c];
  }
  if (sum < 0) {
    outputs.at[0] = 1;
  }
}
