#version 460
// What linear_tile.comp computes, by the device's products of matrices of bytes: a workgroup has a tile of rows and tokens, cut
// into shares of whole matrices, one for each of its subgroups. All threads bring a step's codes and counts, as signed bytes, to
// shared memory; what the next step needs is on its way while they are multiplied.

#pragma use_vulkan_memory_model
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_shader_explicit_arithmetic_types_int8 : require

layout(constant_id = 0) const uint BITS = 4;
layout(constant_id = 1) const uint DIGITS = 1; // signed bytes of what is stored, at most 2
layout(constant_id = 2) const bool WHOLE = false; // every piece is a whole block
layout(constant_id = 3) const bool SINGLE = false; // there is one group
layout(constant_id = 4) const bool HALVES = false; // scales are F16
layout(constant_id = 5) const bool ZEROS = false;  // each row has zero points of its own
layout(constant_id = 6) const uint M = 16; // rows, tokens and columns of a matrix
layout(constant_id = 7) const uint N = 16;
layout(constant_id = 8) const uint K = 32;
layout(constant_id = 9) const uint ROW_SHARES = 2; // of a tile
layout(constant_id = 10) const uint TOKEN_SHARES = 2;
layout(constant_id = 11) const uint ROW_MATRICES = 1; // of a share
layout(constant_id = 12) const uint TOKEN_MATRICES = 1;
layout(constant_id = 13) const uint LANES = 32; // threads of a subgroup
layout(local_size_x_id = 20) in; // a subgroup for each share

#include "memory.glsl"
#include "dot.glsl"
#include "codes.glsl"
#include "wide.glsl"
#include "integer.glsl"
#include "halves.glsl"

layout(push_constant) uniform Arguments {
  Words codes;
  Words scales;  // [groups, rows in whole tiles of 32]
  Ints codeZeros; // zero points, [groups, rows in whole tiles of 32] where ZEROS, else one for all
  Words pieces;  // [pieces, 2]: block, columns
  Words groups;  // [groups, 2]: number of pieces, of columns
  Quads spikes;  // [tokens, DIGITS, digitWords]: bytes
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

const uint SHARES = ROW_SHARES * TOKEN_SHARES;
const uint THREADS = SHARES * LANES;
const uint TILE_ROWS = ROW_SHARES * ROW_MATRICES * M;
const uint TILE_TOKENS = TOKEN_SHARES * TOKEN_MATRICES * N;
const uint COLUMNS = DIGITS * TILE_TOKENS; // a token has one for each digit: those of all lowest digits come first
const uint MATRICES = ROW_MATRICES * TOKEN_MATRICES;
const uint ELEMENTS = M * N / LANES; // of a matrix, for a lane

// Pieces of a step. In shared memory a row's codes and a column's counts are vectors of as many bytes as a matrix can begin at,
// with one more vector between rows, so that those of one matrix lie in different banks.
const uint PIECES = 2;
const uint USED = K < 16 ? 8 : 16; // bytes of a vector
const uint VECTORS = 32 / USED;    // of a block
const uint PITCH = PIECES * VECTORS + 1;
shared uvec4 codeVectors[TILE_ROWS * PITCH];
shared uvec4 countVectors[COLUMNS * PITCH];
shared int sharedProducts[SHARES * DIGITS * M * N]; // a matrix of each share
// Of the group
shared int codeSums[TILE_ROWS];
shared int countSums[COLUMNS];
shared float rowScales[TILE_ROWS];
shared int rowZeros[TILE_ROWS];
shared float tokenThetas[TILE_TOKENS];
shared int tokenZeros[TILE_TOKENS];
shared uint farZeros; // whether a token's zero point is farther than most

// What a thread brings in a step, in turns: a row's codes of a piece, half of a column's counts of one.
const uint CODE_UNITS = TILE_ROWS * PIECES;
const uint CODE_TURNS = (CODE_UNITS + THREADS - 1) / THREADS;
const uint COUNT_UNITS = COLUMNS * PIECES * 2;
const uint COUNT_TURNS = (COUNT_UNITS + THREADS - 1) / THREADS;
uint heldCodes[CODE_TURNS][9];
uint codeMasks[CODE_TURNS];
int ownCodeSums[CODE_TURNS];
uvec4 heldCounts[COUNT_TURNS];
uint countMasks[COUNT_TURNS];
int ownCountSums[COUNT_TURNS];

uint tileCount() {
  return (rows + ROWS - 1) / ROWS;
}

float scaleOf(uint group, uint row) {
  uint at = group * tileCount() * ROWS + row;
  return HALVES ? halfAt(scales, at) : uintBitsToFloat(scales.at[at]);
}

// As codes of 8 bits are: less 128.
int zeroOf(uint group, uint row) {
  return codeZeros.at[ZEROS ? group * tileCount() * ROWS + row : 0] - (BITS == 8 ? 128 : 0);
}

uint blockOf(uint piece) {
  return WHOLE ? piece : pieces.at[2 * piece];
}

uint columnsOf(uint piece) {
  return WHOLE ? ~0u : pieces.at[2 * piece + 1];
}

uint maskOf(uint columns, uint i) {
  return WHOLE ? columns : fourMask(columns, i);
}

// Begins to read count pieces, or as many as a step has.
void fetch(uint piece, uint count) {
  [[unroll]] for (uint turn = 0; turn < CODE_TURNS; turn++) {
    uint unit = turn * THREADS + gl_LocalInvocationIndex;
    uint slot = unit / TILE_ROWS;
    uint row = gl_WorkGroupID.x * TILE_ROWS + unit % TILE_ROWS;
    codeMasks[turn] = 0;
    if (slot < min(count, PIECES) && row / ROWS < tileCount()) {
      codeMasks[turn] = columnsOf(piece + slot);
      readBlock(codes, BITS, blocks, row / ROWS, blockOf(piece + slot), row % ROWS, heldCodes[turn]);
    }
  }
  [[unroll]] for (uint turn = 0; turn < COUNT_TURNS; turn++) {
    uint unit = turn * THREADS + gl_LocalInvocationIndex;
    uint column = unit / (2 * PIECES);
    uint slot = unit % (2 * PIECES) / 2;
    countMasks[turn] = 0;
    if (column < COLUMNS && slot < count) {
      uint token = min(gl_WorkGroupID.y * TILE_TOKENS + column % TILE_TOKENS, tokens - 1);
      uint word = (token * DIGITS + column / TILE_TOKENS) * digitWords + firstWord;
      countMasks[turn] = columnsOf(piece + slot);
      heldCounts[turn] = spikes.at[word / 4 + 2 * blockOf(piece + slot) + unit % 2];
    }
  }
}

// Puts what was fetched where all can read it.
void place() {
  [[unroll]] for (uint turn = 0; turn < CODE_TURNS; turn++) {
    uint unit = turn * THREADS + gl_LocalInvocationIndex;
    if (unit < CODE_UNITS) {
      uint at = unit % TILE_ROWS * PITCH + unit / TILE_ROWS * VECTORS;
      [[unroll]] for (uint side = 0; side < 2; side++) {
        uvec4 four;
        [[unroll]] for (uint i = 0; i < 4; i++) {
          four[i] = (fourCodes(heldCodes[turn], BITS, 4 * side + i) ^ (BITS == 8 ? 0x80808080u : 0u))
              & maskOf(codeMasks[turn], 4 * side + i);
          ownCodeSums[turn] += dot4(four[i], ONES);
        }
        if (USED == 16) {
          codeVectors[at + side] = four;
        } else {
          codeVectors[at + 2 * side] = uvec4(four.xy, 0, 0);
          codeVectors[at + 2 * side + 1] = uvec4(four.zw, 0, 0);
        }
      }
    }
  }
  [[unroll]] for (uint turn = 0; turn < COUNT_TURNS; turn++) {
    uint unit = turn * THREADS + gl_LocalInvocationIndex;
    if (unit < COUNT_UNITS) {
      uint side = unit % 2;
      uint at = unit / (2 * PIECES) * PITCH + (unit % (2 * PIECES) * VECTORS) / 2;
      uvec4 four;
      [[unroll]] for (uint i = 0; i < 4; i++) {
        four[i] = heldCounts[turn][i] & maskOf(countMasks[turn], 4 * side + i);
        ownCountSums[turn] += dot4(four[i], ONES);
      }
      if (USED == 16) {
        countVectors[at] = four;
      } else {
        countVectors[at] = uvec4(four.xy, 0, 0);
        countVectors[at + 1] = uvec4(four.zw, 0, 0);
      }
    }
  }
}

// Makes ready for the sums of a group.
void begin(uint group) {
  for (uint r = gl_LocalInvocationIndex; r < TILE_ROWS; r += THREADS) {
    uint row = gl_WorkGroupID.x * TILE_ROWS + r;
    codeSums[r] = 0;
    rowScales[r] = row < rows ? scaleOf(group, row) : 0;
    rowZeros[r] = row < rows ? zeroOf(group, row) : 0;
  }
  for (uint c = gl_LocalInvocationIndex; c < COLUMNS; c += THREADS) {
    countSums[c] = 0;
  }
  [[unroll]] for (uint turn = 0; turn < CODE_TURNS; turn++) {
    ownCodeSums[turn] = 0;
  }
  [[unroll]] for (uint turn = 0; turn < COUNT_TURNS; turn++) {
    ownCountSums[turn] = 0;
  }
}

// Adds up the codes of each row and the counts of each column.
void addOwnSums() {
  [[unroll]] for (uint turn = 0; turn < CODE_TURNS; turn++) {
    uint unit = turn * THREADS + gl_LocalInvocationIndex;
    if (unit < CODE_UNITS) {
      atomicAdd(codeSums[unit % TILE_ROWS], ownCodeSums[turn]);
    }
  }
  [[unroll]] for (uint turn = 0; turn < COUNT_TURNS; turn++) {
    uint unit = turn * THREADS + gl_LocalInvocationIndex;
    if (unit < COUNT_UNITS) {
      atomicAdd(countSums[unit / (2 * PIECES)], ownCountSums[turn]);
    }
  }
}

void readTokens() {
  if (gl_LocalInvocationIndex == 0) {
    farZeros = 0;
  }
  barrier();
  for (uint t = gl_LocalInvocationIndex; t < TILE_TOKENS; t += THREADS) {
    uint at = min(gl_WorkGroupID.y * TILE_TOKENS + t, tokens - 1) * classes + classIndex;
    int zero = zeros.at[at];
    tokenThetas[t] = thetas.at[at];
    tokenZeros[t] = zero;
    if (zero < -most || zero > most) {
      atomicOr(farZeros, 1);
    }
  }
}

// Of a subgroup's matrices, rows fastest, a lane has elements of one row: which row that is, and which tokens, of the tile.
uint rowOf(uint m) {
  return (gl_SubgroupID % ROW_SHARES * ROW_MATRICES + m % ROW_MATRICES) * M + gl_SubgroupInvocationID % M;
}

uint tokenOf(uint m, uint e) {
  return (gl_SubgroupID / ROW_SHARES * TOKEN_MATRICES + m / ROW_MATRICES) * N + (e * LANES + gl_SubgroupInvocationID) / M;
}

// Where a lane's element of a matrix of products is put.
uint placeOf(uint digit, uint e) {
  return (gl_SubgroupID * DIGITS + digit) * M * N + e * LANES + gl_SubgroupInvocationID;
}

void readDigits(uint t, uint e, out int ofDigits[DIGITS], out int sumsOfDigits[DIGITS]) {
  [[unroll]] for (uint d = 0; d < DIGITS; d++) {
    ofDigits[d] = sharedProducts[placeOf(d, e)];
    sumsOfDigits[d] = countSums[d * TILE_TOKENS + t];
  }
}

void readStarts(uint m, out float begins[ELEMENTS]) {
  uint row = gl_WorkGroupID.x * TILE_ROWS + rowOf(m);
  [[unroll]] for (uint e = 0; e < ELEMENTS; e++) {
    uint token = gl_WorkGroupID.y * TILE_TOKENS + tokenOf(m, e);
    begins[e] = row < rows && token < tokens ? starts.at[token * startStride + row] : 0;
  }
}

void main() {
  uint rowShare = gl_SubgroupID % ROW_SHARES;
  uint tokenShare = gl_SubgroupID / ROW_SHARES;
  coopmat<int, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator> products[DIGITS * MATRICES]; // rows fastest, digits slowest
  float totals[SINGLE ? 1 : MATRICES * ELEMENTS];
  readTokens();
  begin(0);
  [[unroll]] for (uint m = 0; m < DIGITS * MATRICES; m++) {
    products[m] = coopmat<int, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator>(0);
  }
  uint group = 0;
  uint piece = 0;
  uint left = groups.at[0]; // pieces of the group
  fetch(piece, left);
  while (group < groupCount) {
    barrier(); // the last step's vectors have been read
    place();
    barrier();
    uint taken = min(left, PIECES);
    piece += taken;
    left -= taken;
    bool ends = left == 0;
    uint next = ends ? group + 1 : group;
    if (next < groupCount) {
      left = ends ? groups.at[2 * next] : left;
      fetch(piece, left);
    }
    [[unroll]] for (uint k = 0; k < PIECES * 32; k += K) {
      coopmat<int8_t, gl_ScopeSubgroup, M, K, gl_MatrixUseA> codeMatrices[ROW_MATRICES];
      coopmat<int8_t, gl_ScopeSubgroup, K, N, gl_MatrixUseB> countMatrix;
      [[unroll]] for (uint i = 0; i < ROW_MATRICES; i++) {
        coopMatLoad(codeMatrices[i], codeVectors, (rowShare * ROW_MATRICES + i) * M * PITCH + k / USED, PITCH,
            gl_CooperativeMatrixLayoutRowMajor);
      }
      [[unroll]] for (uint d = 0; d < DIGITS; d++) {
        [[unroll]] for (uint j = 0; j < TOKEN_MATRICES; j++) {
          uint column = d * TILE_TOKENS + (tokenShare * TOKEN_MATRICES + j) * N;
          coopMatLoad(countMatrix, countVectors, column * PITCH + k / USED, PITCH, gl_CooperativeMatrixLayoutColumnMajor);
          [[unroll]] for (uint i = 0; i < ROW_MATRICES; i++) {
            uint m = (d * TOKEN_MATRICES + j) * ROW_MATRICES + i;
            products[m] = coopMatMulAdd(codeMatrices[i], countMatrix, products[m]);
          }
        }
      }
    }
    if (!ends) {
      continue;
    }

    float begins[ELEMENTS];
    if (SINGLE || group == 0) {
      readStarts(0, begins);
    }
    addOwnSums();
    barrier();
    int width = int(groups.at[2 * group + 1]);
    bool isFar = farZeros != 0;
    [[unroll]] for (uint m = 0; m < MATRICES; m++) {
      subgroupBarrier(); // the last matrix has been read
      [[unroll]] for (uint d = 0; d < DIGITS; d++) {
        coopMatStore(products[d * MATRICES + m], sharedProducts, (gl_SubgroupID * DIGITS + d) * M * N, M,
            gl_CooperativeMatrixLayoutColumnMajor);
        products[d * MATRICES + m] = coopmat<int, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator>(0);
      }
      float following[ELEMENTS];
      if (m + 1 < MATRICES && (SINGLE || group == 0)) {
        readStarts(m + 1, following);
      }
      subgroupBarrier();
      uint r = rowOf(m);
      float scale = rowScales[r];
      int codeZero = rowZeros[r];
      int codeSum = codeSums[r];
      uint row = gl_WorkGroupID.x * TILE_ROWS + r;
      if (isFar) {
        [[dont_unroll]] for (uint e = 0; e < ELEMENTS; e++) {
          uint t = tokenOf(m, e);
          int ofDigits[DIGITS];
          int sumsOfDigits[DIGITS];
          readDigits(t, e, ofDigits, sumsOfDigits);
          sharedProducts[placeOf(0, e)] = floatBitsToInt(
              wideInteger(ofDigits, sumsOfDigits, codeSum, tokenZeros[t], codeZero, width));
        }
      }
      [[unroll]] for (uint e = 0; e < ELEMENTS; e++) {
        uint t = tokenOf(m, e);
        precise float value;
        if (isFar) {
          value = intBitsToFloat(sharedProducts[placeOf(0, e)]);
        } else {
          int ofDigits[DIGITS];
          int sumsOfDigits[DIGITS];
          readDigits(t, e, ofDigits, sumsOfDigits);
          value = float(narrowInteger(ofDigits, sumsOfDigits, codeSum, tokenZeros[t], codeZero, width));
        }
        uint at = SINGLE ? 0 : m * ELEMENTS + e;
        precise float unit = tokenThetas[t] * scale;
        precise float product = value * unit;
        precise float sum = (SINGLE || group == 0 ? begins[e] : totals[at]) + product;
        totals[at] = sum;
        uint token = gl_WorkGroupID.y * TILE_TOKENS + t;
        if ((SINGLE || next == groupCount) && row < rows && token < tokens) {
          precise float result = adds != 0 ? sums.at[token * stride + row] + sum : sum;
          sums.at[token * stride + row] = result;
        }
        begins[e] = following[e];
      }
    }
    group = next;
    barrier(); // the group's sums have been read
    if (group < groupCount) {
      begin(group);
    }
  }
}
