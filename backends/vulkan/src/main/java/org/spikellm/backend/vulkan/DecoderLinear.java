package org.spikellm.backend.vulkan;

import org.spikellm.api.DecoderPlan;

/** A linear layer of a decoder, with all that it needs on the device. */
final class DecoderLinear {

  /** In which form it wants its inputs. */
  enum Form {
    /** F32 [tokens, channels]. */
    NATURAL,
    /** What spikes decode to, F32 [tokens, channels]. */
    DECODED,
    /** F32 [tokens, places]. */
    PLACES,
    /** Counts. */
    SPIKES
  }

  /**
   * The inputs that it wants; equal ones are made once.
   *
   * @param form which form
   * @param encoder of spikes, or null
   * @param places I32 [placeCount], the channels that stand there, or null
   * @param channels how many
   * @param placeCount places, of which there may be more
   */
  record Input(Form form, DeviceEncoder encoder, DeviceMemory.Range places, int channels, int placeCount) {

    /** Bytes of a token in the workspace. */
    long rowBytes() {
      return form == Form.SPIKES ? encoder.table().rowBytes() : form == Form.NATURAL ? 0 : 4L * placeCount;
    }

    /** Signed bytes of a count, or 0 where there are none. */
    int digits() {
      return form == Form.SPIKES ? encoder.table().digits() : 0;
    }

    /** Whether it is made by encoding something. */
    boolean isEncoded() {
      return form == Form.SPIKES || form == Form.DECODED;
    }

    /** Classes whose θ and zero points are there too. */
    int classes() {
      return form == Form.SPIKES ? encoder.table().classCount() : 0;
    }
  }

  private final int rows;
  private final VulkanLinear quantized;
  private final DeviceMatrix dense;
  private final DeviceMemory.Range bias;
  private final DeviceMemory.Range start;
  private final Input input;

  /** A layer whose parts come from {@code parts}. */
  DecoderLinear(DecoderPlan.Linear plan, DecoderParts parts) {
    rows = plan.rows();
    quantized = (VulkanLinear) plan.quantized();
    dense = plan.dense() == null ? null : parts.matrix(plan.dense());
    bias = plan.bias() == null ? null : parts.copy(plan.bias().segment());
    start = bias == null ? parts.zeros(rows) : bias;
    if (plan.input() != null) {
      input = new Input(dense == null ? Form.SPIKES : Form.DECODED, parts.encoder(plan.input()), null, plan.columns(),
          plan.columns());
    } else if (dense == null) {
      input = new Input(Form.PLACES, null, parts.places(quantized.order()), plan.columns(),
          new Places(quantized.order()).count());
    } else {
      input = new Input(Form.NATURAL, null, null, plan.columns(), plan.columns());
    }
  }

  /** What it wants. */
  Input input() {
    return input;
  }

  /** Output channels. */
  int rows() {
    return rows;
  }

  /** Kernels that have to wait for each other. */
  int steps(int tokens) {
    return dense == null ? quantized.steps(tokens, input.digits()) : 1;
  }

  /**
   * Step {@code step}.
   *
   * @param x inputs in the form that it wants, in {@code slot} where that is not the natural one
   * @param partial F32 [tokens, rows], between the steps; may be {@code out} unless {@code adds}
   * @param out F32 [tokens, rows]
   * @param adds whether the result is added to what is there
   */
  void multiply(int step, Recorder recorder, Kernels kernels, DeviceMemory.Range x, Activations.Slot slot, int tokens,
      DeviceMemory.Range partial, DeviceMemory.Range out, boolean adds) {
    DeviceMemory.Range from = input.form == Form.NATURAL ? x : slot.data();
    if (dense != null) {
      dense.multiply(recorder, kernels, from, tokens, bias, out, adds);
      return;
    }
    VulkanLinear.Sums sums = new VulkanLinear.Sums(start, 0, partial, out, adds);
    if (input.form == Form.SPIKES) {
      quantized.multiply(step, recorder, new VulkanLinear.Spikes(from, slot.thetas(), slot.zeros(), input.digits()), tokens, sums);
    } else {
      quantized.multiply(step, recorder, from, tokens, sums);
    }
  }
}
