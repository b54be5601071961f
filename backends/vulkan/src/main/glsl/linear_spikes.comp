#version 460
// out[t, r] = start[t, r] + Σ_group I · (θ_t · scale), for one class of columns, with the exact integer I = Σ_j (stored_tj −
// zero_t) (code_rj − zero_r). A thread has one row and TOKENS tokens. What is stored is cut into signed bytes, Σ_d
// digit_d · 256^d.

layout(constant_id = 0) const uint BITS = 4;
layout(constant_id = 1) const uint TOKENS = 1;
layout(constant_id = 2) const bool WHOLE = false; // every piece is a whole block
layout(local_size_x = 32) in;

#include "memory.glsl"
#include "dot.glsl"
#include "codes.glsl"
#include "wide.glsl"
#include "share.glsl"

layout(push_constant) uniform Arguments {
  Words codes;
  Words scales;  // [groups, rows in whole tiles, 2]: bits of the scale, zero point
  Words pieces;  // [pieces, 2]: block, columns
  Words groups;  // [groups, 2]: number of pieces, of columns
  Words spikes;  // [tokens, digits, digitWords]: bytes
  Floats thetas; // [tokens, classes]
  Ints zeros;    // [tokens, classes]
  Floats starts; // [tokens, rows], startStride apart: what the sums begin with
  Floats sums;   // [tokens, rows], stride apart
  uint rows;
  uint tokens;
  uint blocks;
  uint groupCount;
  uint digitWords;
  uint firstWord; // of this class, among digitWords
  uint classes;
  uint classIndex;
  uint digits;
  int most;       // |zero point| for which I still fits in 32 bits, so that what overflows on the way does not matter
  uint startStride;
  uint stride;
  uint adds;      // 1 where the sums are added to what is there
};

const uint MOST = 4; // tokens

void main() {
  uint row = gl_GlobalInvocationID.x;
  uint lane = gl_LocalInvocationID.x;
  uint tile = gl_WorkGroupID.x;
  uint paddedRows = gl_NumWorkGroups.x * ROWS;
  uint firstToken = gl_WorkGroupID.y * TOKENS;
  uint from[MOST];
  float theta[MOST];
  int zero[MOST];
  float total[MOST];
  [[unroll]] for (uint t = 0; t < TOKENS; t++) {
    uint token = min(firstToken + t, tokens - 1);
    from[t] = token * digits * digitWords + firstWord;
    theta[t] = thetas.at[token * classes + classIndex];
    zero[t] = zeros.at[token * classes + classIndex];
    total[t] = row < rows ? starts.at[token * startStride + row] : 0;
  }
  bool narrow = true;
  [[unroll]] for (uint t = 0; t < TOKENS; t++) {
    narrow = narrow && zero[t] >= -most && zero[t] <= most;
  }
  uint firstPiece = 0;
  for (uint g = 0; g < groupCount; g++) {
    uint groupPieces = groups.at[2 * g];
    int width = int(groups.at[2 * g + 1]);
    float scale = uintBitsToFloat(scales.at[2 * (g * paddedRows + row)]);
    int codeZero = int(scales.at[2 * (g * paddedRows + row) + 1]);
    // Codes of 8 bits become signed bytes, less 128, as do their zero points.
    uint flip = BITS == 8 ? 0x80808080u : 0u;
    codeZero -= BITS == 8 ? 128 : 0;
    int codeSum = 0;
    uvec2 integer[MOST];
    [[unroll]] for (uint t = 0; t < TOKENS; t++) {
      integer[t] = uvec2(0);
    }
    for (uint d = digits; d-- > 0;) {
      int products[MOST];
      int stored[MOST];
      [[unroll]] for (uint t = 0; t < TOKENS; t++) {
        products[t] = 0;
        stored[t] = 0;
      }
      codeSum = 0; // the same for every digit
      for (uint p = firstPiece; p < firstPiece + groupPieces; p++) {
        uint block = WHOLE ? p : pieces.at[2 * p];
        uint columns = WHOLE ? ~0u : pieces.at[2 * p + 1];
        uint words[9];
        readBlock(codes, blocks, tile, block, lane, words);
        uint four[8];
        [[unroll]] for (uint i = 0; i < 8; i++) {
          four[i] = (fourCodes(words, i) ^ flip) & (WHOLE ? ~0u : fourMask(columns, i));
          codeSum += dot4(four[i], ONES);
        }
        [[unroll]] for (uint t = 0; t < TOKENS; t++) {
          uint at = from[t] + d * digitWords + block * 8;
#ifdef SUBGROUPS
          uint mine = spikes.at[at + shareLane()] & (WHOLE ? ~0u : fourMask(columns, shareLane()));
          stored[t] += dot4(mine, ONES);
          [[unroll]] for (uint i = 0; i < 8; i++) {
            products[t] += dot4(subgroupBroadcast(mine, i), four[i]);
          }
#else
          [[unroll]] for (uint i = 0; i < 8; i++) {
            uint bytes = spikes.at[at + i] & (WHOLE ? ~0u : fourMask(columns, i));
            products[t] += dot4(bytes, four[i]);
            stored[t] += dot4(bytes, ONES);
          }
#endif
        }
      }
      [[unroll]] for (uint t = 0; t < TOKENS; t++) {
#ifdef SUBGROUPS
        stored[t] = shareSum(stored[t]);
#endif
        if (narrow) {
          integer[t].x = (integer[t].x << 8) + uint(products[t] - codeZero * stored[t]);
        } else {
          shiftLeft8(integer[t]);
          multiplyAdd(integer[t], products[t], 1);
          multiplyAdd(integer[t], stored[t], -codeZero);
        }
      }
    }
    [[unroll]] for (uint t = 0; t < TOKENS; t++) {
      precise float value;
      if (narrow) {
        value = float(int(integer[t].x) - zero[t] * (codeSum - width * codeZero));
      } else {
        multiplyAdd(integer[t], -zero[t], codeSum);
        multiplyAdd(integer[t], zero[t], width * codeZero);
        value = toFloat(integer[t]);
      }
      precise float unit = theta[t] * scale;
      precise float product = value * unit;
      precise float next = total[t] + product;
      total[t] = next;
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
