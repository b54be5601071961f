#version 460
// The spikes of a row, counts at once, or where DECODED what they decode to, (n − zero)·θ. What is encoded may be made on the way:
// a norm's output, a gate's, or rotated heads. A workgroup has a row, or its part of one: each looks at the whole row for its
// range.

layout(constant_id = 1) const bool DECODED = false;
layout(constant_id = 2) const uint SOURCE = 0;

#include "memory.glsl"
#include "spike_range.glsl"
#include "rows.glsl"
#include "norm.glsl"
#include "gate.glsl"
#include "rotation.glsl"

const uint MOST_CLASSES = 64;
const uint GIVEN = 0;
const uint NORM = 1;    // inputs by their norm, times weights in second, [channels]
const uint GATE = 2;    // second are the ups, [rows, channels]
const uint ROTATED = 3; // a row is a head, second the table of rotations, [rows / heads, channels]

layout(push_constant) uniform Arguments {
  Floats inputs; // [rows, channels], in their own order
  Ints order;    // [channels]: which channel stands in each place
  Ints table;    // [classes, 6]: first place, the one after the last, first word, words, smallest and largest count
  Words spikes;  // [rows, digits, digitWords]: bytes
  Floats thetas; // [rows, classes]
  Ints zeros;    // [rows, classes], less offset
  Floats decoded; // [rows, channels], in their own order; may be inputs, where SOURCE is GIVEN
  Floats second;
  uint rows;
  uint channels;
  uint classes;
  uint digits;
  uint digitWords;
  int offset; // what is taken off a count before it is cut into digits
  uint bothSigns;
  uint heads;
  float reciprocal; // 1 / channels
  float epsilon;
};

// How the channels of a class are encoded.
struct Coding {
  int first; // place
  int end;
  int firstWord;
  int words;
  float least; // count
  float most;
  float theta;
  float zero;
};

shared Coding codings[MOST_CLASSES];
float factor; // of a norm

float source(uint row, uint c) {
  uint at = row * channels + c;
  switch (SOURCE) {
    case NORM: return inputs.at[at] * factor * second.at[c];
    case GATE: return swiGlu(inputs.at[at], second.at[at]);
    case ROTATED: return rotatedChannel(inputs, row * channels, second, row / heads * channels, channels, c);
    default: return inputs.at[at];
  }
}

int digit(int value, uint d) {
  for (uint i = 0; i < d; i++) {
    value = (value - bitfieldExtract(value, 0, 8)) >> 8;
  }
  return value & 0xff;
}

void main() {
  uint thread = gl_LocalInvocationID.x;
  uint own = gl_WorkGroupID.y * THREADS + thread;
  uint stride = gl_NumWorkGroups.y * THREADS;
  for (uint row = gl_WorkGroupID.x; row < rows; row += gl_NumWorkGroups.x) {
    factor = SOURCE == NORM ? normFactor(inputs, row * channels, channels, reciprocal, epsilon) : 1;
    float high = -uintBitsToFloat(0x7f800000u);
    float negativeLow = high;
    for (uint c = thread; c < channels; c += THREADS) {
      float x = source(row, c);
      high = max(high, x);
      negativeLow = max(negativeLow, -x);
    }
    vec4 ends = largestOfAll(vec4(high, negativeLow, 0, 0));
    for (uint c = thread; c < classes; c += THREADS) { // a thread has a class
      float theta = thetaOf(ends.x, ends.y, float(table.at[6 * c + 5]), bothSigns != 0);
      float zero = zeroOf(ends.y, theta, bothSigns != 0);
      codings[c] = Coding(table.at[6 * c], table.at[6 * c + 1], table.at[6 * c + 2], table.at[6 * c + 3],
            float(table.at[6 * c + 4]), float(table.at[6 * c + 5]), theta, zero);
      if (!DECODED && gl_WorkGroupID.y == 0) {
        thetas.at[row * classes + c] = theta;
        zeros.at[row * classes + c] = int(zero) - offset;
      }
    }
    barrier();
    if (DECODED) {
      for (uint place = own; place < channels; place += stride) {
        uint k = 0;
        while (int(place) >= codings[k].end) {
          k++;
        }
        Coding coding = codings[k];
        uint c = order.at[place];
        precise float value = (countOf(source(row, c), coding.theta, coding.zero, coding.least, coding.most) - coding.zero)
            * coding.theta;
        decoded.at[row * channels + c] = value;
      }
    } else {
      for (uint word = own; word < digitWords; word += stride) {
        uint k = 0;
        while (int(word) >= codings[k].firstWord + codings[k].words) {
          k++;
        }
        Coding coding = codings[k];
        int stored[4];
        [[unroll]] for (int b = 0; b < 4; b++) {
          int place = coding.first + 4 * (int(word) - coding.firstWord) + b;
          stored[b] = 0;
          if (place < coding.end) {
            stored[b] = int(countOf(source(row, order.at[place]), coding.theta, coding.zero, coding.least, coding.most)) - offset;
          }
        }
        for (uint d = 0; d < digits; d++) {
          spikes.at[(row * digits + d) * digitWords + word] = uint(digit(stored[0], d) | digit(stored[1], d) << 8
              | digit(stored[2], d) << 16 | digit(stored[3], d) << 24);
        }
      }
    }
    barrier(); // the next row's codings go to the same place
  }
}
