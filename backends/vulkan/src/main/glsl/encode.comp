#version 460
// The spikes of a row, counts at once, or where DECODED what they decode to, (n − zero)·θ. What is encoded may be made on the way:
// a norm's output, a gate's, or rotated heads. A workgroup has a row, or its part of one: each looks at the whole row for its range.

layout(constant_id = 1) const bool DECODED = false;
layout(constant_id = 2) const uint SOURCE = 0;

#include "memory.glsl"
#include "spike_range.glsl"
#include "rows.glsl"
#include "norm.glsl"
#include "gate.glsl"
#include "rotation.glsl"

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
  int own = int(gl_WorkGroupID.y * THREADS + thread);
  int stride = int(gl_NumWorkGroups.y * THREADS);
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
    high = ends.x;
    negativeLow = ends.y;
    for (uint c = 0; c < classes; c++) {
      int first = table.at[6 * c];
      int end = table.at[6 * c + 1];
      int firstWord = table.at[6 * c + 2];
      int words = table.at[6 * c + 3];
      float least = float(table.at[6 * c + 4]);
      float most = float(table.at[6 * c + 5]);
      float theta = thetaOf(high, negativeLow, most, bothSigns != 0);
      float zero = zeroOf(negativeLow, theta, bothSigns != 0);
      if (DECODED) {
        for (int place = first + own; place < end; place += stride) {
          uint c = order.at[place];
          precise float value = (countOf(source(row, c), theta, zero, least, most) - zero) * theta;
          decoded.at[row * channels + c] = value;
        }
        continue;
      }
      if (own == 0) {
        thetas.at[row * classes + c] = theta;
        zeros.at[row * classes + c] = int(zero) - offset;
      }
      for (int word = own; word < words; word += stride) {
        int stored[4];
        [[unroll]] for (int b = 0; b < 4; b++) {
          int place = first + 4 * word + b;
          stored[b] = 0;
          if (place < end) {
            stored[b] = int(countOf(source(row, order.at[place]), theta, zero, least, most)) - offset;
          }
        }
        for (uint d = 0; d < digits; d++) {
          spikes.at[(row * digits + d) * digitWords + firstWord + word] = uint(digit(stored[0], d) | digit(stored[1], d) << 8
              | digit(stored[2], d) << 16 | digit(stored[3], d) << 24);
        }
      }
    }
  }
}
