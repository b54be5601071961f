#version 460
// Rotates the pairs (i, i + headDim/2) of every head. A thread has pairs.

layout(local_size_x = 64) in;

#include "memory.glsl"

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
    uint head = p % pairs / width;
    uint i = p % pairs % width;
    uint at = row * columns + head * headDim + i;
    float cosine = table.at[row * headDim + i];
    float sine = table.at[row * headDim + width + i];
    float a = x.at[at];
    float b = x.at[at + width];
    precise float first = a * cosine - b * sine;
    precise float second = b * cosine + a * sine;
    x.at[at] = first;
    x.at[at + width] = second;
  }
}
