package org.spikellm.tck;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/** Rules B.50 to B.53. */
final class EncodeRules {

  private EncodeRules() {}

  /** Plain, two and three classes; counts in signed bytes, in bytes less 128, in shorts; binary and bidirectional. */
  private static List<List<Dynamics>> dynamics() {
    return List.of(EncodeOracle.dynamics(4, 1), EncodeOracle.dynamics(4, 1, 2), EncodeOracle.dynamics(2, 1, 4),
        EncodeOracle.dynamics(8, 1), EncodeOracle.dynamics(7, 1, 2), EncodeOracle.dynamics(8, 1, 4),
        EncodeOracle.dynamics(3, 1, 2, 4), EncodeOracle.dynamics(1, 1, 1),
        List.of(new Dynamics(1, 1, 0, 1, 15), new Dynamics(1, 1, 0, 1, 30)),
        List.of(new Dynamics(1, 1, -1, 1, 1), new Dynamics(1, 1, -1, 1, 4)),
        List.of(new Dynamics(1, 1, -7, 7, 1), new Dynamics(1, 1, -7, 7, 2)),
        List.of(new Dynamics(1, 1, -127, 127, 1), new Dynamics(1, 1, -127, 127, 2)));
  }

  static void ordinary(Session session, boolean collapsed) {
    int turn = 0;
    for (List<Dynamics> dynamics : dynamics()) {
      for (int channels : Draw.RAGGED) {
        Draw draw = new Draw("encode " + (collapsed ? "at once " : "step by step ") + channels + " channels, " + dynamics);
        Encoding encoding = encoding(draw, SoftResetNeuron.WHOLE, channels, dynamics, collapsed);
        check(session, draw, encoding, ordinaryRows(draw, channels, turn++));
      }
    }
  }

  /** A neuron that leaks has no collapsed form. */
  static void leaky(Session session) {
    for (int channels : Draw.RAGGED) {
      Draw draw = new Draw("encode with a leaky neuron " + channels + " channels");
      List<Dynamics> dynamics = List.of(new Dynamics(1, 0.9f, 0, 15, 2), new Dynamics(1, 0.9f, 0, 1, 30));
      Encoding encoding = encoding(draw, SoftResetNeuron.LEAKY, channels, dynamics, false);
      check(session, draw, encoding, ordinaryRows(draw, channels, channels));
    }
  }

  static void extreme(Session session) {
    for (List<Dynamics> dynamics : dynamics()) {
      for (int channels : new int[] {1, 2, 9, 17, 65}) {
        for (boolean collapsed : new boolean[] {true, false}) {
          Draw draw = new Draw("encode extreme rows of " + channels + " channels, " + dynamics);
          Encoding encoding = encoding(draw, SoftResetNeuron.WHOLE, channels, dynamics, collapsed);
          check(session, draw, encoding, extremeRows(draw, channels));
        }
      }
    }
  }

  /** {@code x/θ} halfway between two integers, where rounding half up, or toward zero, would be seen. */
  static void ties(Session session) {
    for (List<Dynamics> dynamics : dynamics()) {
      for (int channels : new int[] {8, 17, 63, 127}) {
        Draw draw = new Draw("encode ties of " + channels + " channels, " + dynamics);
        Encoding encoding = encoding(draw, SoftResetNeuron.WHOLE, channels, dynamics, true);
        List<float[]> rows = new ArrayList<>();
        for (Dynamics d : dynamics) {
          float[] row = new float[channels];
          int low = d.bidirectional() ? d.countLow() : -2;
          for (int c = 0; c < channels; c++) {
            row[c] = draw.between(low, low + d.countHigh() - 1) + 0.5f; // θ is 1 for this class: the range is N wide
          }
          row[0] = low;
          row[channels - 1] = d.bidirectional() ? d.countHigh() : low + d.countHigh();
          rows.add(row);
        }
        check(session, draw, encoding, rows);
      }
    }
  }

  /** The tables of an independent implementation: one class, and the neuron's steps. */
  static void golden(Session session) {
    for (Golden golden : Golden.all()) {
      for (boolean collapsed : new boolean[] {true, false}) {
        Encoding encoding = new Encoding(SoftResetNeuron.WHOLE, ChannelOrder.identity(golden.x().length),
            EncodeOracle.dynamics(golden.bits(), golden.steps()), collapsed);
        SpikeTrain train = EncodeOracle.train(encoding, 1, Placement.ALIGNED);
        session.encode(Tensor.of(1, golden.x()), encoding, train);
        golden.check(train, collapsed);
      }
    }
  }

  private static Encoding encoding(Draw draw, NeuronModel neuron, int channels, List<Dynamics> dynamics, boolean collapsed) {
    int[] starts = new int[dynamics.size()];
    for (int c = 1; c < starts.length; c++) {
      starts[c] = draw.between(starts[c - 1], channels);
    }
    return new Encoding(neuron, new ChannelOrder(draw.permutation(channels), starts), dynamics, collapsed);
  }

  private static void check(Session session, Draw draw, Encoding encoding, List<float[]> rows) {
    Tensor x = Placement.ALIGNED.tensor(DType.F32, rows.size(), encoding.order().channels());
    for (int t = 0; t < rows.size(); t++) {
      x.writeRow(t, rows.get(t));
    }
    SpikeTrain out = EncodeOracle.train(encoding, rows.size(), Placement.ALIGNED);
    session.encode(x, encoding, out);
    EncodeOracle.check(x, encoding, out, draw.toString());
  }

  private static List<float[]> ordinaryRows(Draw draw, int channels, int turn) {
    float[] normal = new float[channels];
    float[] outlier = new float[channels];
    float[] positive = new float[channels];
    for (int c = 0; c < channels; c++) {
      normal[c] = draw.gaussian();
      outlier[c] = draw.gaussian();
      positive[c] = draw.between(0.5f, 2);
    }
    outlier[draw.between(0, channels - 1)] *= 40;
    return turn % 2 == 0 ? List.of(normal, outlier, positive) : List.of(outlier);
  }

  private static List<float[]> extremeRows(Draw draw, int channels) {
    List<float[]> rows = new ArrayList<>();
    for (float constant : new float[] {0, -0f, 1, -3.5f, 1e-30f, -1e30f, Float.MAX_VALUE}) {
      float[] row = new float[channels];
      Arrays.fill(row, constant);
      rows.add(row);
    }
    for (float size : new float[] {Float.MIN_VALUE, 1e-30f, 1e-6f, 1e6f, 1e30f, Float.MAX_VALUE}) {
      float[] row = new float[channels];
      for (int c = 0; c < channels; c++) {
        row[c] = draw.between(-1f, 1f) * size;
      }
      row[0] = size;
      rows.add(row);
    }
    float[] far = new float[channels];
    for (int c = 0; c < channels; c++) {
      far[c] = 1000 + draw.between(0f, 0.1f); // the zero point is clamped to −10000
    }
    rows.add(far);
    return rows;
  }
}
