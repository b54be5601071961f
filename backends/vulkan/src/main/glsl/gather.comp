#version 460
// Inputs into the places of a linear layer's channel order: each class from a whole block on, zeros in between. A thread has
// places.

layout(local_size_x = 64) in;

#include "memory.glsl"

layout(push_constant) uniform Arguments {
  Floats inputs; // [rows, channels], in their own order
  Ints channel;  // [places]: which one stands there, or -1
  Floats gathered; // [rows, places]
  uint rows;
  uint channels;
  uint places;
};

void main() {
  for (uint i = gl_GlobalInvocationID.x; i < rows * places; i += gl_NumWorkGroups.x * gl_WorkGroupSize.x) {
    int from = channel.at[i % places];
    gathered.at[i] = from < 0 ? 0 : inputs.at[i / places * channels + from];
  }
}
