#version 460
// Causal attention of query heads over the cache. A workgroup has four rows, of the rows (token, head) that look at one kv head.
// The positions are cut into tiles of 64, which the slices of a workgroup take in turns: a thread has first a position of its
// slice's tile, then channels. Then the tiles are added in their order, and what came before is scaled down when a larger score
// comes (online softmax), so that the result does not depend on the number of slices.

layout(local_size_x_id = 20) in;
layout(constant_id = 0) const uint TYPE = 0;     // of what is cached: F32, I8, I16
layout(constant_id = 1) const uint CHANNELS = 1; // of a thread
layout(constant_id = 3) const uint AHEAD = 4; // words that are read at once
layout(constant_id = 2) const bool PLACED = false; // the position of the first token lies in memory, beside the argument

#include "memory.glsl"
#include "exponential.glsl"

layout(push_constant) uniform Arguments {
  Floats queries;  // [tokens, heads, headDim]
  Words keys;      // [kvHeads, capacity, rowWords]
  Words values;
  // I32 [4, kvHeads, headDim]: θ of the key channel, its zero point as stored, 1 where the value channel is salient, 1 where the
  // key channel is (which only append.comp reads).
  Words ranges;
  Floats thetas;   // [kvHeads, capacity, 2], of values
  Ints zeros;
  Floats outputs;  // [tokens, heads, headDim]
  Ints place;
  uint tokens;
  uint heads;
  uint kvHeads;
  uint headDim;
  uint rowWords;
  uint capacity;
  uint position; // of the first token
  float scale;
};

const uint TILE = 64; // positions
const uint SLICES = gl_WorkGroupSize.x / TILE;
const uint MOST = CHANNELS * TILE; // headDim
const uint PER_WORD = TYPE == 0 ? 1 : TYPE == 1 ? 4 : 2;
const float LEAST = -3.4028234663852886e38;
shared vec4 scaledQueries[MOST]; // of the four rows; those of the channels that only fill a word are 0
shared int keyZeros[MOST];
shared vec4 weights[SLICES][2][TILE]; // of the four rows, times θ of plain and of salient value channels
shared int valueZeros[SLICES][2][TILE];
shared vec4 parts[SLICES][TILE];
shared vec4 largestOf[SLICES]; // of the four rows, in a slice's tile
shared vec4 totalOf[SLICES];

// What is stored in a word, less the zero point.
float stored(uint word, uint i, int zero) {
  if (TYPE == 0) {
    return uintBitsToFloat(word);
  }
  int bits = int(32 / PER_WORD);
  return float(bitfieldExtract(int(word), int(i) * bits, bits) - zero);
}

vec4 exponentials(vec4 x) {
  return vec4(exponential(x.x), exponential(x.y), exponential(x.z), exponential(x.w));
}

void readQueries(uint kv, uint at[4]) {
  for (uint c = gl_LocalInvocationIndex; c < rowWords * PER_WORD; c += gl_WorkGroupSize.x) {
    float factor = c >= headDim ? 0 : TYPE == 0 ? scale : scale * uintBitsToFloat(ranges.at[kv * headDim + c]);
    [[unroll]] for (uint r = 0; r < 4; r++) {
      scaledQueries[c][r] = c < headDim ? queries.at[at[r] + c] * factor : 0;
    }
    keyZeros[c] = TYPE == 0 || c >= headDim ? 0 : int(ranges.at[(kvHeads + kv) * headDim + c]);
  }
  barrier();
}

vec4 scores(uint row) {
  vec4 sum = vec4(0);
  for (uint first = 0; first < rowWords; first += AHEAD) {
    uint words[AHEAD];
    [[unroll]] for (uint a = 0; a < AHEAD; a++) {
      words[a] = keys.at[row * rowWords + min(first + a, rowWords - 1)];
    }
    [[unroll]] for (uint a = 0; a < AHEAD; a++) {
      if (first + a < rowWords) {
        [[unroll]] for (uint i = 0; i < PER_WORD; i++) {
          uint c = (first + a) * PER_WORD + i;
          sum += scaledQueries[c] * stored(words[a], i, TYPE == 0 ? 0 : keyZeros[c]);
        }
      }
    }
  }
  return sum;
}

// Scores and weights of a slice's tile, from position first on; all slices are here at once.
void weigh(uint kv, uint first, uint count, uvec4 visible) {
  uint slice = gl_LocalInvocationIndex / TILE;
  uint thread = gl_LocalInvocationIndex % TILE;
  uint row = kv * capacity + first + thread;
  vec4 score = thread < count ? scores(row) : vec4(0);
  bvec4 seen = lessThan(uvec4(first + thread), visible);
  parts[slice][thread] = mix(vec4(LEAST), score, seen);
  barrier();
  for (uint width = TILE / 2; width > 0; width /= 2) {
    if (thread < width) {
      parts[slice][thread] = max(parts[slice][thread], parts[slice][thread + width]);
    }
    barrier();
  }
  vec4 largest = parts[slice][0];
  barrier();
  vec4 weight = mix(vec4(0), exponentials(score - largest), seen);
  parts[slice][thread] = weight;
  [[unroll]] for (uint k = 0; k < 2; k++) {
    weights[slice][k][thread] = TYPE == 0 || thread >= count ? weight : weight * thetas.at[2 * row + k];
    valueZeros[slice][k][thread] = TYPE == 0 || thread >= count ? 0 : zeros.at[2 * row + k];
  }
  barrier();
  for (uint width = TILE / 2; width > 0; width /= 2) {
    if (thread < width) {
      parts[slice][thread] += parts[slice][thread + width];
    }
    barrier();
  }
  if (thread == 0) {
    largestOf[slice] = largest;
    totalOf[slice] = parts[slice][0];
  }
  barrier();
}

// What channel c of the values of a slice's tile adds up to.
vec4 weighted(uint kv, uint first, uint count, uint c) {
  uint slice = gl_LocalInvocationIndex / TILE;
  vec4 sum = vec4(0);
  if (c < headDim) {
    uint salient = TYPE == 0 ? 0 : ranges.at[(2 * kvHeads + kv) * headDim + c];
    for (uint s = 0; s < count; s += AHEAD) {
      uint words[AHEAD];
      [[unroll]] for (uint a = 0; a < AHEAD; a++) {
        words[a] = values.at[(kv * capacity + first + min(s + a, count - 1)) * rowWords + c / PER_WORD];
      }
      [[unroll]] for (uint a = 0; a < AHEAD; a++) {
        if (s + a < count) {
          int zero = TYPE == 0 ? 0 : valueZeros[slice][salient][s + a];
          sum += weights[slice][salient][s + a] * stored(words[a], c % PER_WORD, zero);
        }
      }
    }
  }
  return sum;
}

void attend(uint kv, uint firstRow) {
  uint slice = gl_LocalInvocationIndex / TILE;
  uint thread = gl_LocalInvocationIndex % TILE;
  uint group = heads / kvHeads;
  uint at[4]; // of the four rows, in queries and outputs
  uvec4 visible;
  [[unroll]] for (uint r = 0; r < 4; r++) {
    uint row = min(firstRow + r, tokens * group - 1);
    at[r] = (row / group * heads + kv * group + row % group) * headDim;
    visible[r] = (PLACED ? uint(place.at[0]) : position) + row / group + 1;
  }
  readQueries(kv, at);
  // Of the first slice: sums of its channels, of all tiles so far.
  precise vec4 sums[CHANNELS];
  [[unroll]] for (uint k = 0; k < CHANNELS; k++) {
    sums[k] = vec4(0);
  }
  vec4 largest = vec4(LEAST);
  precise vec4 total = vec4(0);
  for (uint round = 0; round < visible[3]; round += SLICES * TILE) {
    uint first = round + slice * TILE;
    uint count = first < visible[3] ? min(TILE, visible[3] - first) : 0;
    weigh(kv, first, count, visible);
    uint tiles = min(SLICES, (visible[3] - round + TILE - 1) / TILE);
    vec4 before = largest;
    [[unroll]] for (uint k = 0; k < CHANNELS; k++) {
      parts[slice][thread] = weighted(kv, first, count, k * TILE + thread);
      barrier();
      if (slice == 0) {
        largest = before;
        for (uint i = 0; i < tiles; i++) {
          vec4 next = max(largest, largestOf[i]);
          vec4 shrink = exponentials(largest - next);
          vec4 factor = exponentials(largestOf[i] - next);
          sums[k] = sums[k] * shrink + parts[i][thread] * factor;
          if (k == 0) {
            total = total * shrink + totalOf[i] * factor;
          }
          largest = next;
        }
      }
      barrier(); // what comes next goes to the same place
    }
  }
  if (slice == 0) {
    [[unroll]] for (uint k = 0; k < CHANNELS; k++) {
      uint c = k * TILE + thread;
      vec4 result = sums[k] / total;
      [[unroll]] for (uint r = 0; r < 4; r++) {
        if (c < headDim && firstRow + r < tokens * group) {
          outputs.at[at[r] + c] = result[r];
        }
      }
    }
  }
  barrier(); // the next rows' queries go to the same place
}

void main() {
  uint fours = (tokens * (heads / kvHeads) + 3) / 4;
  for (uint i = gl_WorkGroupID.x; i < kvHeads * fours; i += gl_NumWorkGroups.x) {
    attend(i / fours, i % fours * 4);
  }
}
