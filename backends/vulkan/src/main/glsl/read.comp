#version 460
// Reads memory and does nothing else, for what a device gives at most. A thread reads 64 times 16 bytes, a workgroup 128 KiB in
// one piece.

layout(local_size_x = 128) in;

#include "memory.glsl"

layout(push_constant) uniform Arguments {
  Quads quads;   // [workgroups, 64, 128]
  Words outputs; // written if all that a thread reads makes IMPOSSIBLE, which keeps the reads
};

const uint THREADS = 128;
const uint LOADS = 64;
const uint AT_ONCE = 8; // that need not wait for each other
const uint IMPOSSIBLE = 1; // the memory's words are all alike, and an even number of them makes 0

void main() {
  uint first = gl_WorkGroupID.x * LOADS * THREADS + gl_LocalInvocationID.x;
  uvec4 sum = uvec4(0);
  for (uint load = 0; load < LOADS; load += AT_ONCE) {
    [[unroll]] for (uint i = 0; i < AT_ONCE; i++) {
      sum ^= quads.at[first + (load + i) * THREADS];
    }
  }
  if ((sum.x ^ sum.y ^ sum.z ^ sum.w) == IMPOSSIBLE) {
    outputs.at[0] = sum.x;
  }
}
