#version 460
// Each row by its softmax. A workgroup has a row.

#include "memory.glsl"
#include "exponential.glsl"
#include "rows.glsl"

layout(push_constant) uniform Arguments {
  Floats x; // [rows, columns]
  uint rows;
  uint columns;
};

void main() {
  for (uint row = gl_WorkGroupID.x; row < rows; row += gl_NumWorkGroups.x) {
    float mine = -uintBitsToFloat(0x7f800000u);
    for (uint c = gl_LocalInvocationID.x; c < columns; c += THREADS) {
      mine = max(mine, x.at[row * columns + c]);
    }
    float largest = largestOfAll(vec4(mine)).x;
    mine = 0;
    for (uint c = gl_LocalInvocationID.x; c < columns; c += THREADS) {
      float e = exponential(x.at[row * columns + c] - largest);
      x.at[row * columns + c] = e;
      mine += e;
    }
    float reciprocal = 1 / sumOfAll(vec4(mine)).x;
    for (uint c = gl_LocalInvocationID.x; c < columns; c += THREADS) {
      x.at[row * columns + c] *= reciprocal;
    }
  }
}
