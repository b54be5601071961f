#version 460
// out = x / sqrt(mean(x²) + ε) · weight. A workgroup has a row.

layout(local_size_x = 64) in;

#include "memory.glsl"
#include "rows.glsl"

layout(push_constant) uniform Arguments {
  Floats inputs; // [rows, columns]
  Floats weight; // [columns]
  Floats outputs; // [rows, columns]
  uint rows;
  uint columns;
  float reciprocal; // 1 / columns
  float epsilon;
};

void main() {
  for (uint row = gl_WorkGroupID.x; row < rows; row += gl_NumWorkGroups.x) {
    float mine = 0;
    for (uint c = gl_LocalInvocationID.x; c < columns; c += THREADS) {
      float x = inputs.at[row * columns + c];
      mine += x * x;
    }
    float factor = inversesqrt(sumOfAll(vec4(mine)).x * reciprocal + epsilon);
    for (uint c = gl_LocalInvocationID.x; c < columns; c += THREADS) {
      outputs.at[row * columns + c] = inputs.at[row * columns + c] * factor * weight.at[c];
    }
  }
}
