#version 460
// What linear_few.comp computes of one class and of counts, for many tokens: a workgroup has 32 rows and 32 tokens, a thread 4 x 4 of them. Half of the
// threads unpack a block of codes, the other half brings the tokens' counts, for all to read.

layout(constant_id = 0) const uint BITS = 4;
layout(constant_id = 1) const uint DIGITS = 1; // signed bytes of what is stored, at most 2
layout(constant_id = 2) const bool WHOLE = false; // every piece is a whole block
layout(constant_id = 3) const bool HALVES = false; // scales are F16
layout(constant_id = 4) const bool ZEROS = false;  // each row has zero points of its own
layout(local_size_x = 64) in;

#include "memory.glsl"
#include "dot.glsl"
#include "codes.glsl"
#include "wide.glsl"
#include "integer.glsl"
#include "halves.glsl"

layout(push_constant) uniform Arguments {
  Words codes;
  Words scales;  // [groups, rows in whole tiles]
  Ints codeZeros; // zero points, [groups, rows in whole tiles] where ZEROS, else one for all
  Words pieces;  // [pieces, 2]: block, columns
  Words groups;  // [groups, 2]: number of pieces, of columns
  Words spikes;  // [tokens, DIGITS, digitWords]: bytes
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
  int most;       // |zero point| for which I still fits in 32 bits, so that what overflows on the way does not matter
  uint startStride;
  uint stride;
  uint adds;      // 1 where the sums are added to what is there
};

const uint TOKENS = 32;
const uint WORDS = 8; // of a block's codes, or counts
shared uvec4 codeWords[WORDS][ROWS / 4];
shared uvec4 countWords[DIGITS * WORDS][TOKENS / 4];
shared ivec4 codeSums[ROWS / 4];             // of a group
shared ivec4 countSums[DIGITS][TOKENS / 4];

// Of the 4 x 4 outputs of a thread, rows fastest.
const uint OUTPUTS = 16;

void main() {
  uint thread = gl_LocalInvocationID.x;
  uint tile = gl_WorkGroupID.x;
  uint paddedRows = gl_NumWorkGroups.x * ROWS;
  uint rowQuad = thread % (ROWS / 4);
  uint tokenQuad = thread / (ROWS / 4);
  uint firstRow = tile * ROWS + 4 * rowQuad;
  uint firstToken = gl_WorkGroupID.y * TOKENS + 4 * tokenQuad;
  // What it brings: a row's codes or a token's counts.
  bool bringsCodes = thread < ROWS;
  uint own = thread % ROWS;
  uint ownRow = tile * ROWS + own;
  uint from = min(gl_WorkGroupID.y * TOKENS + own, tokens - 1) * DIGITS * digitWords + firstWord;
  uint flip = BITS == 8 ? 0x80808080u : 0u; // codes of 8 bits become signed bytes, less 128, as do their zero points

  vec4 theta;
  ivec4 zero;
  bool narrow = true;
  [[unroll]] for (uint t = 0; t < 4; t++) {
    uint token = min(firstToken + t, tokens - 1);
    theta[t] = thetas.at[token * classes + classIndex];
    zero[t] = zeros.at[token * classes + classIndex];
    narrow = narrow && zero[t] >= -most && zero[t] <= most;
  }
  float totals[OUTPUTS];
  [[unroll]] for (uint o = 0; o < OUTPUTS; o++) {
    uint token = min(firstToken + o / 4, tokens - 1);
    totals[o] = firstRow + o % 4 < rows ? starts.at[token * startStride + firstRow + o % 4] : 0;
  }

  uint firstPiece = 0;
  for (uint g = 0; g < groupCount; g++) {
    uint groupPieces = groups.at[2 * g];
    int width = int(groups.at[2 * g + 1]);
    int products[DIGITS * OUTPUTS];
    [[unroll]] for (uint o = 0; o < DIGITS * OUTPUTS; o++) {
      products[o] = 0;
    }
    int ownSums[2] = int[2](0, 0);
    for (uint p = firstPiece; p < firstPiece + groupPieces; p++) {
      uint block = WHOLE ? p : pieces.at[2 * p];
      uint columns = WHOLE ? ~0u : pieces.at[2 * p + 1];
      barrier(); // the last block has been read
      if (bringsCodes) {
        uint words[9];
        readBlock(codes, BITS, blocks, tile, block, own, words);
        [[unroll]] for (uint i = 0; i < WORDS; i++) {
          uint four = (fourCodes(words, BITS, i) ^ flip) & (WHOLE ? ~0u : fourMask(columns, i));
          codeWords[i][own / 4][own % 4] = four;
          ownSums[0] += dot4(four, ONES);
        }
      } else {
        [[unroll]] for (uint d = 0; d < DIGITS; d++) {
          [[unroll]] for (uint i = 0; i < WORDS; i++) {
            uint four = spikes.at[from + d * digitWords + block * WORDS + i] & (WHOLE ? ~0u : fourMask(columns, i));
            countWords[d * WORDS + i][own / 4][own % 4] = four;
            ownSums[d] += dot4(four, ONES);
          }
        }
      }
      barrier();
      [[unroll]] for (uint i = 0; i < WORDS; i++) {
        uvec4 code = codeWords[i][rowQuad];
        [[unroll]] for (uint d = 0; d < DIGITS; d++) {
          uvec4 count = countWords[d * WORDS + i][tokenQuad];
          [[unroll]] for (uint o = 0; o < OUTPUTS; o++) {
            products[d * OUTPUTS + o] += dot4(code[o % 4], count[o / 4]);
          }
        }
      }
    }
    if (bringsCodes) {
      codeSums[own / 4][own % 4] = ownSums[0];
    } else {
      [[unroll]] for (uint d = 0; d < DIGITS; d++) {
        countSums[d][own / 4][own % 4] = ownSums[d];
      }
    }
    barrier();
    [[unroll]] for (uint r = 0; r < 4; r++) {
      uint at = g * paddedRows + firstRow + r;
      float scale = HALVES ? halfAt(scales, at) : uintBitsToFloat(scales.at[at]);
      int codeZero = codeZeros.at[ZEROS ? at : 0] - (BITS == 8 ? 128 : 0);
      int codeSum = codeSums[rowQuad][r];
      [[unroll]] for (uint t = 0; t < 4; t++) {
        int ofDigits[DIGITS];
        int sumsOfDigits[DIGITS];
        [[unroll]] for (uint d = 0; d < DIGITS; d++) {
          ofDigits[d] = products[d * OUTPUTS + 4 * t + r];
          sumsOfDigits[d] = countSums[d][tokenQuad][t];
        }
        precise float value = narrow ? float(narrowInteger(ofDigits, sumsOfDigits, codeSum, zero[t], codeZero, width))
            : wideInteger(ofDigits, sumsOfDigits, codeSum, zero[t], codeZero, width);
        precise float unit = theta[t] * scale;
        precise float product = value * unit;
        precise float next = totals[4 * t + r] + product;
        totals[4 * t + r] = next;
      }
    }
    firstPiece += groupPieces;
  }
  [[unroll]] for (uint o = 0; o < OUTPUTS; o++) {
    if (firstRow + o % 4 < rows && firstToken + o / 4 < tokens) {
      uint at = (firstToken + o / 4) * stride + firstRow + o % 4;
      precise float result = adds != 0 ? sums.at[at] + totals[o] : totals[o];
      sums.at[at] = result;
    }
  }
}
