#version 460
// Rotates the pairs of every head. A thread has pairs.

layout(local_size_x = 64) in;

#include "memory.glsl"
#include "rotation.glsl"

layout(push_constant) uniform Arguments {
  Floats x;     // [rows, heads · headDim]
  Floats table; // [rows, headDim]: cosines, sines
  uint rows;
  uint columns;
  uint headDim;
};

void main() {
  uint pairs = columns / 2;
  uint width = headDim / 2;
  for (uint p = gl_GlobalInvocationID.x; p < rows * pairs; p += gl_NumWorkGroups.x * gl_WorkGroupSize.x) {
    uint row = p / pairs;
    uint i = p % pairs % width;
    uint at = row * columns + p % pairs / width * headDim + i;
    vec2 pair = rotated(vec2(x.at[at], x.at[at + width]), table.at[row * headDim + i], table.at[row * headDim + width + i]);
    x.at[at] = pair.x;
    x.at[at + width] = pair.y;
  }
}
