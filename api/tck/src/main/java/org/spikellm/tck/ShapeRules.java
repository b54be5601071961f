package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.function.Executable;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DType;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** Rule B.10. */
final class ShapeRules {

  private ShapeRules() {}

  private static Tensor f32(int rows, int columns) {
    return Tensor.allocate(DType.F32, rows, columns);
  }

  private static Tensor f16(int rows, int columns) {
    return Tensor.allocate(DType.F16, rows, columns);
  }

  private static void refused(String what, Executable call) {
    IllegalArgumentException error = assertThrows(IllegalArgumentException.class, call, what);
    String message = String.valueOf(error.getMessage());
    assertTrue(message.contains("expected") && message.contains("found"),
        () -> what + ": the message does not say what was expected and found: " + message);
  }

  static void check(Session session) {
    products(session);
    linears(session);
    elementwise(session);
    encoder(session);
    attention(session);
  }

  private static void products(Session s) {
    refused("matmul of 5 and 4 columns", () -> s.matmul(f32(2, 5), f32(3, 4), f32(2, 3)));
    refused("matmul into too few columns", () -> s.matmul(f32(2, 5), f32(3, 5), f32(2, 2)));
    refused("matmul into too many rows", () -> s.matmul(f32(2, 5), f32(3, 5), f32(3, 3)));
    refused("matmul of an F16 left factor", () -> s.matmul(f16(2, 5), f32(3, 5), f32(2, 3)));
    refused("matmul of integers", () -> s.matmul(f32(2, 5), Tensor.allocate(DType.I8, 3, 5), f32(2, 3)));
    refused("matmul into F16", () -> s.matmul(f32(2, 5), f32(3, 5), f16(2, 3)));
  }

  private static void linears(Session session) {
    Draw draw = new Draw("shapes");
    LinearCase linear = LinearCase.of(draw, 2, 3, List.of(new LinearCase.Form(5, 4, 5)), LinearCase.Weights.powers(draw, 4),
        LinearCase.Spikes.powers(draw, DType.I8, 1, 0), Placement.ALIGNED);
    QuantizedWeight weight = linear.weight();
    SpikingLinear prepared = session.prepare(weight);
    SpikeTrain train = linear.train();
    int[] reversed = weight.order().order().clone();
    reversed[0] = weight.order().order()[4];
    reversed[4] = weight.order().order()[0];
    SpikeTrain other = new SpikeTrain(new ChannelOrder(reversed, new int[] {0}), train.planes(), train.thresholds(),
        train.zeros(), 0);
    refused("spikes into too few rows", () -> prepared.accumulate(train, f32(1, 3)));
    refused("spikes into too many columns", () -> prepared.accumulate(train, f32(2, 4)));
    refused("spikes into F16", () -> prepared.accumulate(train, f16(2, 3)));
    refused("spikes in another channel order", () -> prepared.accumulate(other, f32(2, 3)));
    refused("floats of too many columns", () -> prepared.accumulate(f32(2, 6), f32(2, 3)));
    refused("floats in F16", () -> prepared.accumulate(f16(2, 5), f32(2, 3)));
    refused("floats into too few columns", () -> prepared.accumulate(f32(2, 5), f32(2, 2)));
    refused("floats into too few rows", () -> prepared.accumulate(f32(2, 5), f32(1, 3)));
    List<SpikingLinear> layers = List.of(prepared, session.prepare(weight));
    refused("two layers into one output", () -> session.accumulate(layers, f32(1, 5), List.of(f32(1, 3))));
    refused("two layers on too many columns", () -> session.accumulate(layers, f32(1, 6), List.of(f32(1, 3), f32(1, 3))));
    refused("the second of two layers into too few columns",
        () -> session.accumulate(layers, f32(1, 5), List.of(f32(1, 3), f32(1, 2))));
  }

  private static void elementwise(Session s) {
    refused("norm by another width", () -> s.rmsNorm(f32(2, 5), f32(1, 4), 1e-5f, f32(2, 5)));
    refused("norm by two rows of weights", () -> s.rmsNorm(f32(2, 5), f32(2, 5), 1e-5f, f32(2, 5)));
    refused("norm into another shape", () -> s.rmsNorm(f32(2, 5), f32(1, 5), 1e-5f, f32(2, 4)));
    refused("norm of F16", () -> s.rmsNorm(f16(2, 5), f32(1, 5), 1e-5f, f32(2, 5)));
    refused("rope of heads that do not fit", () -> s.rope(f32(2, 6), 4, f32(9, 4), 0));
    refused("rope of odd heads", () -> s.rope(f32(2, 6), 3, f32(9, 3), 0));
    refused("rope with another table", () -> s.rope(f32(2, 8), 4, f32(9, 6), 0));
    refused("rope past its table", () -> s.rope(f32(2, 8), 4, f32(9, 4), 8));
    refused("rope before its table", () -> s.rope(f32(2, 8), 4, f32(9, 4), -1));
    refused("rope far past its table", () -> s.rope(f32(1, 8), 4, f32(9, 4), Integer.MAX_VALUE));
    refused("softmax of F16", () -> s.softmax(f16(2, 5)));
    refused("swiGlu of two shapes", () -> s.swiGlu(f32(2, 5), f32(2, 4), f32(2, 5)));
    refused("swiGlu into another shape", () -> s.swiGlu(f32(2, 5), f32(2, 5), f32(1, 5)));
    refused("swiGlu of F16", () -> s.swiGlu(f16(2, 5), f32(2, 5), f32(2, 5)));
  }

  private static void encoder(Session s) {
    Encoding narrow = new Encoding(SoftResetNeuron.WHOLE, ChannelOrder.identity(5), EncodeOracle.dynamics(4, 2), true);
    Encoding wide = new Encoding(SoftResetNeuron.WHOLE, ChannelOrder.identity(5), EncodeOracle.dynamics(8, 4), true);
    refused("encode too many channels", () -> s.encode(f32(2, 6), narrow, SpikeTrain.allocate(narrow, 2)));
    refused("encode into too few tokens", () -> s.encode(f32(2, 5), narrow, SpikeTrain.allocate(narrow, 1)));
    refused("encode F16", () -> s.encode(f16(2, 5), narrow, SpikeTrain.allocate(narrow, 2)));
    refused("encode into another type", () -> s.encode(f32(2, 5), narrow, SpikeTrain.allocate(wide, 2)));
    refused("encode into too many planes", () -> s.encode(f32(2, 5), narrow, SpikeTrain.allocate(narrow.stepByStep(), 2)));
    Encoding turned = new Encoding(SoftResetNeuron.WHOLE, new ChannelOrder(new int[] {1, 0, 2, 3, 4}, new int[] {0}),
        EncodeOracle.dynamics(4, 2), true);
    refused("encode into another order", () -> s.encode(f32(2, 5), narrow, SpikeTrain.allocate(turned, 2)));
  }

  private static void attention(Session s) {
    KeyValues cache = KeyValues.allocate(2, 4, 6, null);
    refused("queries of a part of a head", () -> s.attention(f32(2, 12), cache, 0, f32(2, 12)));
    refused("attention past the capacity", () -> s.attention(f32(2, 8), cache, 5, f32(2, 8)));
    refused("attention far past the capacity", () -> s.attention(f32(1, 8), cache, Integer.MAX_VALUE, f32(1, 8)));
    refused("attention before the start", () -> s.attention(f32(2, 8), cache, -1, f32(2, 8)));
    refused("attention into another shape", () -> s.attention(f32(2, 8), cache, 0, f32(2, 16)));
    refused("queries in F16", () -> s.attention(f16(2, 8), cache, 0, f32(2, 8)));
  }
}
