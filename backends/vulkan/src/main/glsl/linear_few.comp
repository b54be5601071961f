#version 460
// out[t, r] = start[t, r] + Σ_class Σ_group sum · scale for few tokens t, class by class and group by group. Of counts the sum is
// the exact integer Σ_j (stored_tj − zero_t) (code_rj − zero_r), times θ_t · scale; of floats it is Σ_j x_tj (code_rj − zero_r).
//
// A workgroup has a tile of 32 rows, and a thread of each slice has one of them. The columns are cut into runs, each within a
// class and a group, which the slices take in turns; then one slice adds up what the runs made, in their order.

layout(local_size_x_id = 20) in; // 32 for each of two or more slices
layout(constant_id = 2) const bool SINGLE = false; // a class of counts has one group, of which each slice has a run
layout(constant_id = 3) const bool HALVES = false; // scales are F16
layout(constant_id = 4) const bool ZEROS = false;  // each row has zero points of its own
layout(constant_id = 5) const uint BITS_0 = 4;     // of a class's codes, or 0 where there is no such class
layout(constant_id = 6) const uint BITS_1 = 0;
layout(constant_id = 7) const uint BITS_2 = 0;
layout(constant_id = 8) const uint BITS_3 = 0;
layout(constant_id = 9) const uint AHEAD = 1;      // blocks that are read at once

#include "memory.glsl"
#include "dot.glsl"
#include "codes.glsl"
#include "wide.glsl"
#include "halves.glsl"
#include "few.glsl"

const uint SLICES = gl_WorkGroupSize.x / ROWS;
const uint CHUNK = SINGLE ? 4 : 48 / PARTS; // runs that are kept; where SINGLE, what those of a class add up to
shared uint products[CHUNK][PARTS][ROWS]; // integers, or bits of floats; of a run that is a group scaled, as bits of floats
shared int codeSums[SINGLE || FLOATS ? 1 : CHUNK][ROWS];
shared int countSums[FLOATS ? 1 : CHUNK][PARTS];
shared ivec4 runs[SINGLE ? 1 : CHUNK];

bool hasClass(uint c) {
  return (c == 0 ? BITS_0 : c == 1 ? BITS_1 : c == 2 ? BITS_2 : BITS_3) != 0;
}

// Where sums meet in shared memory, eight threads of a slice have a word of a block's counts each.
void addOwnCounts(Class k, uint block, inout Run made) {
  if (SINGLE) {
    uint word = gl_LocalInvocationIndex % 8;
    [[unroll]] for (uint p = 0; p < PARTS; p++) {
      made.counts[p] += dot4(countsAt(k, p, block, word), ONES);
    }
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
      addCounts(low[i], p, four[i], masks[i], made);
      addCounts(high[i], p, four[4 + i], masks[4 + i], made);
    }
  }
  addOwnCounts(k, block, made);
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
  if (BITS_1 == 0 || c == 0) {
    return add(BITS_0, k, run);
  } else if (BITS_2 == 0 || c == 1) {
    return add(BITS_1, k, run);
  } else if (BITS_3 == 0 || c == 2) {
    return add(BITS_2, k, run);
  }
  return add(BITS_3, k, run);
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
  uint nextClass;
  ivec4 next = runAt(first + min(slice, count - 1), ends, nextClass);
  for (uint r = slice; r < count; r += SLICES) {
    uint c = nextClass;
    ivec4 run = next;
    next = runAt(first + min(r + SLICES, count - 1), ends, nextClass); // on its way while this one is multiplied
    Factors factors = factorsOf(c, run.z, 0);
    Run made = addOf(c, run);
    if (lane == 0) {
      runs[r] = run;
    }
    [[unroll]] for (uint p = 0; p < PARTS; p++) {
      products[r][p][lane] = made.sums[p];
      if (!FLOATS && lane == 0) {
        countSums[r][p] = made.counts[p];
      }
    }
    if (!FLOATS) {
      codeSums[r][lane] = made.codes;
    }
    if (run.w == WHOLE) {
      [[unroll]] for (uint t = 0; t < TOKENS; t++) {
        Sums own;
        clear(own);
        add(made, run, t, own);
        if (t > 0) {
          factors = factorsOf(c, run.z, t);
        }
        products[r][t * PARTS / TOKENS][lane] = floatBitsToUint(scaled(factors, own));
      }
    }
  }
  barrier();
  [[unroll]] for (uint t = 0; t < TOKENS; t++) {
    if (t % SLICES == slice) {
      for (uint r = 0; r < count; r++) {
        ivec4 run = runs[r];
        if (run.w == WHOLE) {
          precise float next = s[t].total + uintBitsToFloat(products[r][t * PARTS / TOKENS][lane]);
          s[t].total = next;
          continue;
        }
        uint c;
        runAt(first + r, ends, c);
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
  if (SINGLE) {
    shareClasses(ends, s);
  } else {
    for (uint first = 0; first < end; first += CHUNK) {
      share(first, min(CHUNK, end - first), ends, s);
    }
  }
  [[unroll]] for (uint t = 0; t < TOKENS; t++) {
    if (t % SLICES == slice) {
      write(t, row, s[t].total);
    }
  }
}
