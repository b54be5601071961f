#version 460
// out = x / sqrt(mean(x²) + ε) · weight. A workgroup has a row.

#include "memory.glsl"
#include "rows.glsl"
#include "norm.glsl"

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
    float factor = normFactor(inputs, row * columns, columns, reciprocal, epsilon);
    for (uint c = gl_LocalInvocationID.x; c < columns; c += THREADS) {
      outputs.at[row * columns + c] = inputs.at[row * columns + c] * factor * weight.at[c];
    }
  }
}
