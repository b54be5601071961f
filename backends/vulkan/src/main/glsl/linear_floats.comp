#version 460
// out[t, r] = start[t, r] + Σ_group scale · Σ_j x_tj (code_rj − zero_r), for one class of columns. A thread has one row and
// TOKENS tokens.

layout(constant_id = 0) const uint BITS = 4;
layout(constant_id = 1) const uint TOKENS = 1;
layout(local_size_x = 32) in;

#include "memory.glsl"
#include "codes.glsl"
#include "share.glsl"

layout(push_constant) uniform Arguments {
  Words codes;
  Words scales;  // [groups, rows in whole tiles, 2]: bits of the scale, zero point
  Words pieces;  // [pieces, 2]: block, columns
  Words groups;  // [groups, 2]: number of pieces, of columns
  Floats inputs; // [tokens, places]
  Floats starts; // [tokens, rows], startStride apart: what the sums begin with
  Floats sums;   // [tokens, rows], stride apart
  uint rows;
  uint tokens;
  uint blocks;
  uint groupCount;
  uint places;
  uint firstPlace; // of this class
  uint startStride;
  uint stride;
  uint adds;     // 1 where the sums are added to what is there
};

const uint MOST = 4; // tokens

void main() {
  uint row = gl_GlobalInvocationID.x;
  uint lane = gl_LocalInvocationID.x;
  uint tile = gl_WorkGroupID.x;
  uint paddedRows = gl_NumWorkGroups.x * ROWS;
  uint firstToken = gl_WorkGroupID.y * TOKENS;
  uint from[MOST];
  precise float total[MOST];
  [[unroll]] for (uint t = 0; t < TOKENS; t++) {
    uint token = min(firstToken + t, tokens - 1);
    from[t] = token * places + firstPlace;
    total[t] = row < rows ? starts.at[token * startStride + row] : 0;
  }
  uint firstPiece = 0;
  for (uint g = 0; g < groupCount; g++) {
    uint groupPieces = groups.at[2 * g];
    float scale = uintBitsToFloat(scales.at[2 * (g * paddedRows + row)]);
    int codeZero = int(scales.at[2 * (g * paddedRows + row) + 1]);
    precise float products[MOST];
    [[unroll]] for (uint t = 0; t < TOKENS; t++) {
      products[t] = 0;
    }
    for (uint p = firstPiece; p < firstPiece + groupPieces; p++) {
      uint block = pieces.at[2 * p];
      uint columns = pieces.at[2 * p + 1];
      uint words[9];
      readBlock(codes, blocks, tile, block, lane, words);
#ifdef SUBGROUPS
      float mine[MOST][4];
      [[unroll]] for (uint t = 0; t < TOKENS; t++) {
        [[unroll]] for (uint i = 0; i < 4; i++) {
          mine[t][i] = inputs.at[from[t] + block * 32 + 8 * i + shareLane()];
        }
      }
#endif
      [[unroll]] for (uint i = 0; i < 8; i++) {
        uint four = fourCodes(words, i);
        [[unroll]] for (uint b = 0; b < 4; b++) {
          uint j = 4 * i + b;
          float weight = (columns >> j & 1) != 0 ? float(int(four >> (8 * b) & 0xff) - codeZero) : 0;
          [[unroll]] for (uint t = 0; t < TOKENS; t++) {
#ifdef SUBGROUPS
            float x = subgroupBroadcast(mine[t][j / 8], j % 8);
#else
            float x = inputs.at[from[t] + block * 32 + j];
#endif
            products[t] += x * weight;
          }
        }
      }
    }
    [[unroll]] for (uint t = 0; t < TOKENS; t++) {
      total[t] += products[t] * scale;
    }
    firstPiece += groupPieces;
  }
  [[unroll]] for (uint t = 0; t < TOKENS; t++) {
    if (row < rows && firstToken + t < tokens) {
      uint at = (firstToken + t) * stride + row;
      precise float result = adds != 0 ? sums.at[at] + total[t] : total[t];
      sums.at[at] = result;
    }
  }
}
