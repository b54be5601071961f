#version 460
// out[t, r] = start[t, r] + Σ_class Σ_group sum · scale for few tokens t, class by class and group by group. Of counts the sum is
// the exact integer Σ_j (stored_tj − zero_t) (code_rj − zero_r), times θ_t · scale; of floats it is Σ_j x_tj (code_rj − zero_r).
//
// A workgroup has a tile of 32 rows, and a thread of each slice has one of them. The columns are cut into runs, each within a
// class and a group, which the slices take in turns; then one slice adds up what the runs made, in their order. Where there is one
// slice its threads share nothing.

layout(local_size_x_id = 20) in; // 32 for each slice
layout(constant_id = 0) const uint TOKENS = 1;
layout(constant_id = 1) const uint DIGITS = 1;  // signed bytes of what is stored, Σ_d digit_d · 256^d; 0 where inputs are floats
layout(constant_id = 2) const bool SINGLE = false; // a class of counts has one group, of which each slice has a run
layout(constant_id = 3) const bool HALVES = false; // scales are F16
layout(constant_id = 4) const bool ZEROS = false;  // each row has zero points of its own
layout(constant_id = 5) const uint BITS_0 = 4;     // of a class's codes, or 0 where they are looked up: less code, and slower
layout(constant_id = 6) const uint BITS_1 = 0;
layout(constant_id = 7) const uint BITS_2 = 0;
layout(constant_id = 8) const uint BITS_3 = 0;
layout(constant_id = 9) const uint AHEAD = 1;      // blocks that are read at once

#include "memory.glsl"
#include "dot.glsl"
#include "codes.glsl"
#include "wide.glsl"
#include "halves.glsl"

struct Class {
  Words codes;
  Words scales;  // [groups, rows in whole tiles]
  Ints zeros;    // [groups, rows in whole tiles], where ZEROS
  Ints codeSums; // [rows in whole tiles], where SINGLE
  Table runs;    // [runs]: first column, the one after the last, group, whether the group ends; but where SINGLE
  uint blocks;
  uint runCount;
  uint bits;
  uint columns;
  uint firstPlace; // of its inputs
  uint index;
  int zero;      // of all codes, but where ZEROS
  int most[3];   // |zero point| for which a sum of counts of so many digits fits in 32 bits, whatever overflows on the way
  uint flags;    // HALVES, ZEROS: 1, 2
  uint unused;
};

layout(buffer_reference, std430, buffer_reference_align = 8) buffer Classes { Class at[]; };

layout(push_constant) uniform Arguments {
  Classes classes;
  Words inputs;  // [tokens, places]: floats, or [tokens, DIGITS, places]: bytes
  Floats thetas; // [tokens, classCount]
  Ints zeros;    // [tokens, classCount]
  Floats starts; // [tokens, rows], startStride apart: what the sums begin with
  Floats sums;   // [tokens, rows], stride apart
  uint rows;
  uint tokens;
  uint places;
  uint classCount;
  uint startStride;
  uint stride;
  uint adds;     // 1 where the sums are added to what is there
  uint stepClasses; // how many are multiplied
};

const uint MOST_TOKENS = 4;
const uint MOST_DIGITS = 3;
const uint MOST_PARTS = MOST_TOKENS * MOST_DIGITS;
const uint SLICES = gl_WorkGroupSize.x / ROWS;
const uint PARTS = TOKENS * (DIGITS == 0 ? 1 : DIGITS);
const uint CHUNK = SINGLE ? 4 : 48 / PARTS; // runs that are kept; where SINGLE, what those of a class add up to
const bool FLOATS = DIGITS == 0;
shared uint products[CHUNK][PARTS][ROWS]; // integers, or bits of floats
shared int codeSums[SINGLE || FLOATS ? 1 : CHUNK][ROWS];
shared int countSums[FLOATS ? 1 : CHUNK][PARTS];

// What a run adds up to.
struct Run {
  uint sums[MOST_PARTS]; // integers, or bits of floats
  int counts[MOST_PARTS];
  int codes;
};

const bool LOOKED_UP = BITS_0 == 0;

bool hasClass(uint c) {
  return (c == 0 ? BITS_0 : c == 1 ? BITS_1 : c == 2 ? BITS_2 : BITS_3) != 0;
}

bool hasHalves(Class k) {
  return LOOKED_UP ? (k.flags & 1) != 0 : HALVES;
}

bool hasZeros(Class k) {
  return LOOKED_UP ? (k.flags & 2) != 0 : ZEROS;
}

// Which columns of a block are in the run, a bit each.
uint columnsOf(ivec4 run, uint block) {
  int low = max(run.x - int(block * 32), 0);
  int high = min(run.y - int(block * 32), 32);
  return (~0u << low) & (~0u >> (32 - high));
}

uint tokenAt(uint t) {
  return min(gl_WorkGroupID.y * TOKENS + t, tokens - 1);
}

// Word i of a block of the counts of a part: of a token's digit.
uint countsAt(Class k, uint p, uint block, uint i) {
  return inputs.at[((tokenAt(p / DIGITS) * DIGITS + p % DIGITS) * places + k.firstPlace) / 4 + block * 8 + i];
}

// Adds up columns 4i .. 4i + 3 of a block of counts.
void addCounts(uint bits, uint counts, uint p, uint four, uint mask, inout Run made) {
  made.sums[p] += uint(dot4(counts, four));
  if (SLICES == 1) {
    made.counts[p] += dot4(counts & mask, ONES);
  }
}

// Codes as signed bytes, those of 8 bits less 128, as are their zero points.
uint signedCodes(uint bits, uint codes, uint mask, inout Run made) {
  uint four = (codes ^ (bits == 8 ? 0x80808080u : 0u)) & mask;
  if (!SINGLE) {
    made.codes += dot4(four, ONES);
  }
  return four;
}

// Adds up columns 4i .. 4i + 3 of a block of floats.
void addFloats(Class k, uint codes, uint block, uint i, uint columns, int codeZero, inout Run made) {
  vec4 weights;
  [[unroll]] for (uint b = 0; b < 4; b++) {
    weights[b] = (columns >> (4 * i + b) & 1) != 0 ? float(int(codes >> (8 * b) & 0xff) - codeZero) : 0;
  }
  [[unroll]] for (uint t = 0; t < TOKENS; t++) {
    vec4 x = Vectors(inputs).at[(tokenAt(t) * places + k.firstPlace) / 4 + block * 8 + i];
    precise float value = uintBitsToFloat(made.sums[t]);
    [[unroll]] for (uint b = 0; b < 4; b++) {
      value += x[b] * weights[b];
    }
    made.sums[t] = floatBitsToUint(value);
  }
}

// Where there are several slices, eight threads of one have a word of a block's counts each.
void addOwnCounts(Class k, uint block, uint columns, inout Run made) {
  if (FLOATS || SLICES == 1) {
    return;
  }
  uint word = gl_LocalInvocationIndex % 8;
  [[unroll]] for (uint p = 0; p < PARTS; p++) {
    made.counts[p] += dot4(countsAt(k, p, block, word) & (SINGLE ? ~0u : fourMask(columns, word)), ONES);
  }
}

void addBlock(uint bits, Class k, uint words[9], uint block, uint columns, int codeZero, inout Run made) {
  if (FLOATS) {
    [[unroll]] for (uint i = 0; i < 8; i++) {
      addFloats(k, fourCodes(words, bits, i), block, i, columns, codeZero, made);
    }
    return;
  }
  uint four[8];
  uint masks[8];
  [[unroll]] for (uint i = 0; i < 8; i++) {
    masks[i] = SINGLE ? ~0u : fourMask(columns, i);
    four[i] = signedCodes(bits, fourCodes(words, bits, i), masks[i], made);
  }
  [[unroll]] for (uint p = 0; p < PARTS; p++) {
    uint quad = ((tokenAt(p / DIGITS) * DIGITS + p % DIGITS) * places + k.firstPlace) / 16 + block * 2;
    uvec4 low = Quads(inputs).at[quad];
    uvec4 high = Quads(inputs).at[quad + 1];
    [[unroll]] for (uint i = 0; i < 4; i++) {
      addCounts(bits, low[i], p, four[i], masks[i], made);
      addCounts(bits, high[i], p, four[4 + i], masks[4 + i], made);
    }
  }
  addOwnCounts(k, block, columns, made);
}

Run add(uint bits, Class k, ivec4 run) {
  uint lane = gl_LocalInvocationIndex % ROWS;
  uint row = gl_WorkGroupID.x * ROWS + lane;
  uint end = uint(run.y + 31) / 32;
  int codeZero = !FLOATS ? 0 : hasZeros(k) ? k.zeros.at[run.z * gl_NumWorkGroups.x * ROWS + row] : k.zero;
  Run made;
  [[unroll]] for (uint p = 0; p < PARTS; p++) {
    made.sums[p] = 0;
    made.counts[p] = 0;
  }
  made.codes = 0;
  if (LOOKED_UP) {
    for (uint block = uint(run.x) / 32; block < end; block++) {
      uint at = (gl_WorkGroupID.x * k.blocks + block) * bits * ROWS + lane;
      uint columns = columnsOf(run, block);
      [[dont_unroll]] for (uint i = 0; i < 8; i++) {
        uint codes = fourCodesAt(k.codes, at, bits, i);
        if (FLOATS) {
          addFloats(k, codes, block, i, columns, codeZero, made);
          continue;
        }
        uint mask = SINGLE ? ~0u : fourMask(columns, i);
        uint four = signedCodes(bits, codes, mask, made);
        [[unroll]] for (uint p = 0; p < PARTS; p++) {
          addCounts(bits, countsAt(k, p, block, i), p, four, mask, made);
        }
      }
      addOwnCounts(k, block, columns, made);
    }
    return made;
  }
  for (uint first = uint(run.x) / 32; first < end; first += AHEAD) {
    uint words[AHEAD][9];
    [[unroll]] for (uint a = 0; a < AHEAD; a++) {
      readBlock(k.codes, bits, k.blocks, gl_WorkGroupID.x, min(first + a, end - 1), lane, words[a]);
    }
    [[unroll]] for (uint a = 0; a < AHEAD; a++) {
      uint block = first + a;
      if (block < end) {
        addBlock(bits, k, words[a], block, columnsOf(run, block), codeZero, made);
      }
    }
  }
  return made;
}

Run addOf(uint c, ivec4 run) {
  Class k = classes.at[c];
  if (LOOKED_UP) {
    return add(k.bits, k, run);
  } else if (BITS_1 == 0 || c == 0) {
    return add(BITS_0, k, run);
  } else if (BITS_2 == 0 || c == 1) {
    return add(BITS_1, k, run);
  } else if (BITS_3 == 0 || c == 2) {
    return add(BITS_2, k, run);
  }
  return add(BITS_3, k, run);
}

// What a group of counts adds up to, of its parts.
float valueOf(uint sum[MOST_DIGITS], int counts[MOST_DIGITS], int codeSum, int width, int codeZero, int zero, int most) {
  if (zero >= -most && zero <= most) {
    uint integer = uint(-zero * (codeSum - width * codeZero));
    [[unroll]] for (uint d = 0; d < DIGITS; d++) {
      integer += (sum[d] - uint(codeZero * counts[d])) << (8 * d);
    }
    return float(int(integer));
  }
  uvec2 integer = uvec2(0);
  [[unroll]] for (uint d = DIGITS; d-- > 0;) {
    shiftLeft8(integer);
    multiplyAdd(integer, int(sum[d]), 1);
    multiplyAdd(integer, counts[d], -codeZero);
  }
  multiplyAdd(integer, -zero, codeSum);
  multiplyAdd(integer, zero, width * codeZero);
  return toFloat(integer);
}

// Sums of a token: of the group that is not over, and of all before it.
struct Sums {
  float total;
  uint group[MOST_DIGITS];
  int counts[MOST_DIGITS];
  int codes;
  int width;
};

void clear(inout Sums s) {
  [[unroll]] for (uint d = 0; d < MOST_DIGITS; d++) {
    s.group[d] = 0;
    s.counts[d] = 0;
  }
  s.codes = 0;
  s.width = 0;
}

// What a group's sum is multiplied by.
struct Factors {
  float scale;
  float theta;
  int codeZero;
  int codes; // and columns, where SINGLE
  int width;
  int zero;
  int most;
};

Factors factorsOf(uint c, uint group, uint t) {
  Class k = classes.at[c];
  uint row = gl_WorkGroupID.x * ROWS + gl_LocalInvocationIndex % ROWS;
  uint at = group * gl_NumWorkGroups.x * ROWS + row;
  Factors f;
  f.scale = hasHalves(k) ? halfAt(k.scales, at) : uintBitsToFloat(k.scales.at[at]);
  if (!FLOATS) {
    uint place = tokenAt(t) * classCount + k.index;
    f.theta = thetas.at[place];
    f.codeZero = (hasZeros(k) ? k.zeros.at[at] : k.zero) - (k.bits == 8 ? 128 : 0);
    f.codes = SINGLE ? k.codeSums.at[row] : 0;
    f.width = SINGLE ? int(k.columns) : 0;
    f.zero = zeros.at[place];
    f.most = k.most[DIGITS - 1];
  }
  return f;
}

// Adds a run to the group's sum of token t.
void add(Run made, ivec4 run, uint t, inout Sums s) {
  if (FLOATS) {
    precise float sum = uintBitsToFloat(s.group[0]) + uintBitsToFloat(made.sums[t]);
    s.group[0] = floatBitsToUint(sum);
    return;
  }
  [[unroll]] for (uint d = 0; d < DIGITS; d++) {
    s.group[d] += made.sums[t * DIGITS + d];
    s.counts[d] += made.counts[t * DIGITS + d];
  }
  s.codes += made.codes;
  s.width += run.y - run.x;
}

// Adds the group's sum, scaled, to the total, and begins the next one.
void scale(Factors f, inout Sums s) {
  precise float value;
  precise float unit;
  if (FLOATS) {
    value = uintBitsToFloat(s.group[0]);
    unit = f.scale;
  } else {
    value = valueOf(s.group, s.counts, SINGLE ? f.codes : s.codes, SINGLE ? f.width : s.width, f.codeZero, f.zero, f.most);
    unit = f.theta * f.scale;
  }
  precise float product = value * unit;
  precise float next = s.total + product;
  s.total = next;
  clear(s);
}

// Takes a run into the sums of token t.
void take(uint c, ivec4 run, Run made, uint t, inout Sums s) {
  add(made, run, t, s);
  if (run.w != 0) {
    scale(factorsOf(c, run.z, t), s);
  }
}

// The class and the columns of a run; ends are those of the classes' runs.
ivec4 runAt(uint i, uvec4 ends, out uint c) {
  c = i < ends[0] ? 0 : i < ends[1] ? 1 : i < ends[2] ? 2 : 3;
  uint own = i - (c == 0 ? 0 : ends[c - 1]);
  if (SINGLE) {
    uint blocks = classes.at[c].blocks;
    return ivec4(32 * (blocks * own / SLICES), 32 * (blocks * (own + 1) / SLICES), 0, own + 1 == SLICES);
  }
  return classes.at[c].runs.at[own];
}

// What is kept of a run for token t.
Run kept(uint r, uint lane, uint t) {
  Run made;
  [[unroll]] for (uint p = t * PARTS / TOKENS; p < (t + 1) * PARTS / TOKENS; p++) {
    made.sums[p] = products[r][p][lane];
    made.counts[p] = FLOATS ? 0 : countSums[r][p];
  }
  made.codes = SINGLE || FLOATS ? 0 : codeSums[r][lane];
  return made;
}

// All runs where each class has one of each slice: integers, in any order.
void shareClasses(uvec4 ends, inout Sums s[MOST_TOKENS]) {
  uint slice = gl_LocalInvocationIndex / ROWS;
  uint lane = gl_LocalInvocationIndex % ROWS;
  [[unroll]] for (uint c = 0; c < 4; c++) {
    for (uint p = slice; p < PARTS && c < stepClasses; p += SLICES) {
      products[c][p][lane] = 0;
      countSums[c][p] = 0;
    }
  }
  barrier();
  Run made[4];
  [[unroll]] for (uint c = 0; c < 4; c++) {
    if (hasClass(c)) {
      uint found;
      made[c] = addOf(c, runAt(c * SLICES + slice, ends, found));
    }
  }
  Factors factors[4]; // on their way while the products are made
  if (TOKENS == 1 && slice == 0) {
    [[unroll]] for (uint c = 0; c < 4; c++) {
      if (hasClass(c)) {
        factors[c] = factorsOf(c, 0, 0);
      }
    }
  }
  [[unroll]] for (uint c = 0; c < 4; c++) {
    if (hasClass(c)) {
      [[unroll]] for (uint p = 0; p < PARTS; p++) {
        atomicAdd(products[c][p][lane], made[c].sums[p]);
        if (lane < 8) {
          atomicAdd(countSums[c][p], made[c].counts[p]);
        }
      }
    }
  }
  barrier();
  [[unroll]] for (uint t = 0; t < TOKENS; t++) {
    if (t % SLICES == slice) {
      [[unroll]] for (uint c = 0; c < 4; c++) {
        if (hasClass(c)) {
          add(kept(c, lane, t), ivec4(0), t, s[t]);
          if (TOKENS != 1) {
            factors[c] = factorsOf(c, 0, t);
          }
          scale(factors[c], s[t]);
        }
      }
    }
  }
}

// Runs first .. first + count - 1, by several slices.
void share(uint first, uint count, uvec4 ends, inout Sums s[MOST_TOKENS]) {
  uint slice = gl_LocalInvocationIndex / ROWS;
  uint lane = gl_LocalInvocationIndex % ROWS;
  if (!FLOATS) {
    for (uint r = gl_LocalInvocationIndex; r < count; r += gl_WorkGroupSize.x) {
      [[unroll]] for (uint p = 0; p < PARTS; p++) {
        countSums[r][p] = 0;
      }
    }
    barrier();
  }
  for (uint r = slice; r < count; r += SLICES) {
    uint c;
    ivec4 run = runAt(first + r, ends, c);
    Run made = addOf(c, run);
    [[unroll]] for (uint p = 0; p < PARTS; p++) {
      products[r][p][lane] = made.sums[p];
      if (!FLOATS && lane < 8) {
        atomicAdd(countSums[r][p], made.counts[p]);
      }
    }
    if (!SINGLE && !FLOATS) {
      codeSums[r][lane] = made.codes;
    }
  }
  barrier();
  [[unroll]] for (uint t = 0; t < TOKENS; t++) {
    if (t % SLICES == slice) {
      for (uint r = 0; r < count; r++) {
        uint c;
        ivec4 run = runAt(first + r, ends, c);
        take(c, run, kept(r, lane, t), t, s[t]);
      }
    }
  }
  barrier(); // the next runs' sums go to the same place
}

void main() {
  uint slice = gl_LocalInvocationIndex / ROWS;
  uint row = gl_WorkGroupID.x * ROWS + gl_LocalInvocationIndex % ROWS;
  uvec4 ends;
  uint end = 0;
  [[unroll]] for (uint c = 0; c < 4; c++) {
    end += c >= stepClasses ? 0 : SINGLE ? SLICES : classes.at[c].runCount;
    ends[c] = end;
  }
  Sums s[MOST_TOKENS];
  [[unroll]] for (uint t = 0; t < TOKENS; t++) {
    s[t].total = t % SLICES == slice && row < rows ? starts.at[tokenAt(t) * startStride + row] : 0;
    clear(s[t]);
  }
  if (SLICES == 1) {
    for (uint i = 0; i < end; i++) {
      uint c;
      ivec4 run = runAt(i, ends, c);
      Run made = addOf(c, run);
      [[unroll]] for (uint t = 0; t < TOKENS; t++) {
        take(c, run, made, t, s[t]);
      }
    }
  } else if (SINGLE) {
    shareClasses(ends, s);
  } else {
    for (uint first = 0; first < end; first += CHUNK) {
      share(first, min(CHUNK, end - first), ends, s);
    }
  }
  [[unroll]] for (uint t = 0; t < TOKENS; t++) {
    uint token = gl_WorkGroupID.y * TOKENS + t;
    if (t % SLICES == slice && row < rows && token < tokens) {
      uint at = token * stride + row;
      precise float result = adds != 0 ? sums.at[at] + s[t].total : s[t].total;
      sums.at[at] = result;
    }
  }
}
