package org.spikellm.model;

import org.spikellm.api.DType;
import org.spikellm.api.Tensor;

/**
 * Rotary position embedding: pair i of a head turns by {@code position · frequency(i)}.
 *
 * @param theta base of the frequencies, {@code theta^(−2i/headDim)}
 * @param kind how the frequencies are changed for longer contexts
 * @param factor how many times longer
 * @param lowFrequencyFactor llama3: wavelengths above originalContext/this are stretched whole
 * @param highFrequencyFactor llama3: wavelengths below originalContext/this stay
 * @param originalContext llama3: context the model was first trained with
 */
public record RopeScaling(double theta, Kind kind, double factor, double lowFrequencyFactor, double highFrequencyFactor,
    double originalContext) {

  /** The kinds of scaling that config.json may name. */
  public enum Kind {
    NONE,
    LINEAR,
    LLAMA3
  }

  private static final double DEFAULT_THETA = 10_000;

  /** No scaling. */
  public static RopeScaling plain(double theta) {
    return new RopeScaling(theta, Kind.NONE, 1, 1, 1, 1);
  }

  static RopeScaling of(Fields config) throws CheckpointException {
    Fields scaling = config.object("rope_scaling");
    if (scaling == null) {
      scaling = config.object("rope_parameters");
    }
    double theta = config.number("rope_theta", scaling == null ? DEFAULT_THETA : scaling.number("rope_theta", DEFAULT_THETA));
    if (!(theta > 0)) {
      throw config.wrong("rope_theta", "a number above 0", theta);
    }
    if (scaling == null) {
      return plain(theta);
    }
    String kind = scaling.text("rope_type", scaling.text("type", "default"));
    switch (kind) {
      case "default" -> {
        return plain(theta);
      }
      case "linear" -> {
        return new RopeScaling(theta, Kind.LINEAR, positive(scaling, "factor"), 1, 1, 1);
      }
      case "llama3" -> {
        double low = positive(scaling, "low_freq_factor");
        double high = positive(scaling, "high_freq_factor");
        if (high <= low) {
          throw scaling.wrong("high_freq_factor", "a number above low_freq_factor (" + low + ")", high);
        }
        return new RopeScaling(theta, Kind.LLAMA3, positive(scaling, "factor"), low, high,
            positive(scaling, "original_max_position_embeddings"));
      }
      default -> throw scaling.wrong("rope_type", "linear, llama3 or default", kind);
    }
  }

  private static double positive(Fields fields, String name) throws CheckpointException {
    double value = fields.number(name, 0);
    if (!(value > 0)) {
      throw fields.wrong(name, "a number above 0", fields.get(name));
    }
    return value;
  }

  /** Radians a position that pair {@code pair} of a head turns by. In float where the models' training had float. */
  float frequency(int pair, int headDim) {
    float plain = 1f / (float) Math.pow(theta, (float) (2 * pair) / headDim);
    return switch (kind) {
      case NONE -> plain;
      case LINEAR -> (float) (plain / factor);
      case LLAMA3 -> {
        double wavelength = 2 * Math.PI / plain;
        double smooth = (originalContext / wavelength - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
        double kept = wavelength < originalContext / highFrequencyFactor ? 1
            : wavelength > originalContext / lowFrequencyFactor ? 0 : smooth;
        yield (float) ((1 - kept) * plain / factor + kept * plain);
      }
    };
  }

  /** The table that {@link org.spikellm.api.Session#rope} reads: F32 [positions, headDim], cosines, then sines. */
  public Tensor table(int positions, int headDim) {
    Tensor table = Tensor.allocate(DType.F32, positions, headDim);
    int half = headDim / 2;
    float[] row = new float[headDim];
    for (int position = 0; position < positions; position++) {
      for (int i = 0; i < half; i++) {
        double angle = position * frequency(i, headDim);
        row[i] = (float) Math.cos(angle);
        row[half + i] = (float) Math.sin(angle);
      }
      table.writeRow(position, row);
    }
    return table;
  }
}
