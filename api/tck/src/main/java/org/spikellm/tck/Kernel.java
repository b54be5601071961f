package org.spikellm.tck;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DType;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/**
 * One call of a session with random tensors, for the rules that hold for all of them.
 *
 * @param name which kernel, and the case's seed
 * @param tokens rows of its inputs and outputs
 * @param inputs what it only reads
 * @param outputs what it writes, with what was in them before
 * @param before bytes of the outputs before the call
 * @param call runs it on some of the tokens
 */
record Kernel(String name, int tokens, List<Tensor> inputs, List<Tensor> outputs, List<byte[]> before, Call call) {

  /** Runs the kernel on the tokens {@code from} (inclusive) to {@code to} (exclusive). */
  interface Call {
    void run(Session session, int from, int to);
  }

  /** Every kernel of a session, on {@code tokens} tokens of about {@code width} channels. */
  static List<Kernel> all(String name, int tokens, int width, Placement memory) {
    Draw draw = new Draw(name);
    return Stream.of(products(draw, tokens, width, memory), linears(draw, tokens, width, memory),
        elementwise(draw, tokens, width, memory), encoders(draw, tokens, width, memory),
        attentions(draw, tokens, width, memory)).flatMap(List::stream).toList();
  }

  private static Kernel of(String name, Draw draw, List<Tensor> inputs, List<Tensor> outputs, Call call) {
    return new Kernel(name + ", case " + draw, outputs.getFirst().rows(), inputs, outputs,
        outputs.stream().map(Kernel::bytes).toList(), call);
  }

  static boolean isProduct(Kernel kernel) {
    return kernel.name.startsWith("matmul");
  }

  /** What the kernel makes of all tokens at once. */
  List<byte[]> run(Session session) {
    reset();
    call.run(session, 0, tokens);
    return outputs.stream().map(Kernel::bytes).toList();
  }

  /** What the kernel makes of the tokens, a call for each, last one first. */
  List<byte[]> runRowByRow(Session session) {
    reset();
    for (int t = tokens - 1; t >= 0; t--) {
      call.run(session, t, t + 1);
    }
    return outputs.stream().map(Kernel::bytes).toList();
  }

  private void reset() {
    for (int i = 0; i < outputs.size(); i++) {
      outputs.get(i).segment().copyFrom(MemorySegment.ofArray(before.get(i)));
    }
  }

  static byte[] bytes(Tensor tensor) {
    return tensor.segment().toArray(ValueLayout.JAVA_BYTE);
  }

  /** Where two results differ first, or null. */
  String difference(List<byte[]> expected, List<byte[]> found) {
    for (int i = 0; i < expected.size(); i++) {
      int at = Arrays.mismatch(expected.get(i), found.get(i));
      if (at >= 0) {
        Tensor tensor = outputs.get(i);
        long element = at / tensor.dtype().bytes();
        return "output " + i + " " + tensor + " differs first in element (" + element / tensor.columns() + ", "
            + element % tensor.columns() + ")";
      }
    }
    return null;
  }

  private static List<Kernel> products(Draw draw, int tokens, int width, Placement memory) {
    List<Kernel> kernels = new ArrayList<>();
    for (DType type : new DType[] {DType.F32, DType.F16, DType.BF16}) {
      Tensor a = draw.normal(memory.tensor(DType.F32, tokens, width), 1);
      Tensor b = draw.normal(memory.tensor(type, 2 * width + 1, width), 1);
      Tensor out = draw.normal(memory.tensor(DType.F32, tokens, 2 * width + 1), 1);
      kernels.add(of("matmul " + type, draw, List.of(a, b), List.of(out),
          (s, from, to) -> s.matmul(a.rows(from, to), b, out.rows(from, to))));
    }
    return kernels;
  }

  private static List<Kernel> linears(Draw draw, int tokens, int width, Placement memory) {
    List<Kernel> kernels = new ArrayList<>();
    int salient = width / 5;
    for (int bits : new int[] {1, 2, 3, 4, 6, 8}) {
      DType type = bits == 3 ? DType.I16 : DType.I8;
      var forms = List.of(new LinearCase.Form(width - salient, bits, 32), new LinearCase.Form(salient, bits, width));
      LinearCase linear = LinearCase.of(draw, tokens, 2 * width + 1, forms, LinearCase.Weights.general(draw, bits, DType.F16),
          LinearCase.Spikes.general(draw, type, bits == 4 ? 2 : 1, bits == 8 ? 128 : 0), memory);
      Tensor out = draw.normal(memory.tensor(DType.F32, tokens, 2 * width + 1), 1);
      kernels.add(of("spiking linear of " + bits + " bits", draw, parts(linear.weight(), linear.train()), List.of(out),
          (s, from, to) -> s.prepare(linear.weight()).accumulate(slice(linear.train(), from, to), out.rows(from, to))));
    }
    List<LinearCase.Form> trains = List.of(LinearCase.Form.train(width - 2 * salient, 32, 1), LinearCase.Form.train(salient, width, 2),
        LinearCase.Form.train(salient, 32, 4));
    LinearCase linear = LinearCase.of(draw, tokens, 2 * width + 1, trains, LinearCase.Weights.general(draw, 4, DType.F16),
        LinearCase.Spikes.general(draw, DType.I8, 1, 128), memory);
    Tensor sums = draw.normal(memory.tensor(DType.F32, tokens, 2 * width + 1), 1);
    kernels.add(of("spiking linear of spike trains", draw, parts(linear.weight(), linear.train()), List.of(sums),
        (s, from, to) -> s.prepare(linear.weight()).accumulate(slice(linear.train(), from, to), sums.rows(from, to))));
    for (List<LinearCase.Form> forms : List.of(List.of(new LinearCase.Form(width, 4, 32)), trains)) {
      QuantizedWeight weight = LinearCase.weight(draw, 2 * width + 1, forms, LinearCase.Weights.general(draw, 4, DType.F32), memory);
      Tensor x = draw.normal(memory.tensor(DType.F32, tokens, width), 1);
      Tensor out = draw.normal(memory.tensor(DType.F32, tokens, 2 * width + 1), 1);
      List<Tensor> inputs = new ArrayList<>(parts(weight, null));
      inputs.add(x);
      kernels.add(of("linear of an input that is not encoded", draw, inputs, List.of(out),
          (s, from, to) -> s.prepare(weight).accumulate(x.rows(from, to), out.rows(from, to))));
    }
    kernels.add(together(draw, tokens, width, trains, memory));
    return kernels;
  }

  /** Layers of several sizes that share an input that is not encoded. */
  private static Kernel together(Draw draw, int tokens, int width, List<LinearCase.Form> trains, Placement memory) {
    Tensor x = draw.normal(memory.tensor(DType.F32, tokens, width), 1);
    List<Tensor> inputs = new ArrayList<>(List.of(x));
    List<QuantizedWeight> weights = new ArrayList<>();
    List<Tensor> outs = new ArrayList<>();
    for (int rows : new int[] {2 * width + 1, 8 * width, width}) {
      QuantizedWeight weight = LinearCase.weight(draw, rows, trains, LinearCase.Weights.general(draw, 4, DType.F16), memory);
      weights.add(weight);
      inputs.addAll(parts(weight, null));
      outs.add(draw.normal(memory.tensor(DType.F32, tokens, rows), 1));
    }
    return of("linears that share an input", draw, inputs, outs, (s, from, to) -> s.accumulate(
        weights.stream().map(s::prepare).toList(), x.rows(from, to), outs.stream().map(out -> out.rows(from, to)).toList()));
  }

  private static List<Tensor> parts(QuantizedWeight weight, SpikeTrain train) {
    List<Tensor> parts = new ArrayList<>();
    weight.classes().forEach(c -> parts.addAll(List.of(c.codes(), c.scales(), c.zeros())));
    if (train != null) {
      parts.addAll(train.planes());
      parts.addAll(List.of(train.thresholds(), train.zeros()));
    }
    return parts;
  }

  private static SpikeTrain slice(SpikeTrain train, int from, int to) {
    return new SpikeTrain(train.order(), train.planes().stream().map(p -> p.rows(from, to)).toList(),
        train.thresholds().rows(from, to), train.zeros().rows(from, to), train.offset());
  }

  private static List<Kernel> elementwise(Draw draw, int tokens, int width, Placement memory) {
    Tensor x = draw.normal(memory.tensor(DType.F32, tokens, width), 2);
    Tensor y = draw.normal(memory.tensor(DType.F32, tokens, width), 2);
    Tensor weight = draw.normal(memory.tensor(DType.F32, 1, width), 1);
    Tensor normed = memory.tensor(DType.F32, tokens, width);
    Tensor soft = draw.normal(memory.tensor(DType.F32, tokens, width), 4);
    Tensor gated = memory.tensor(DType.F32, tokens, width);
    int headDim = Math.max(2, width / 6 * 2);
    Tensor heads = draw.normal(memory.tensor(DType.F32, tokens, 3 * headDim), 1);
    Tensor table = draw.normal(memory.tensor(DType.F32, tokens + 2, headDim), 1);
    return List.of(
        of("rmsNorm", draw, List.of(x, weight), List.of(normed),
            (s, from, to) -> s.rmsNorm(x.rows(from, to), weight, 1e-5f, normed.rows(from, to))),
        of("rope", draw, List.of(table), List.of(heads),
            (s, from, to) -> s.rope(heads.rows(from, to), headDim, table, 2 + from)),
        of("softmax", draw, List.of(), List.of(soft), (s, from, to) -> s.softmax(soft.rows(from, to))),
        of("swiGlu", draw, List.of(x, y), List.of(gated),
            (s, from, to) -> s.swiGlu(x.rows(from, to), y.rows(from, to), gated.rows(from, to))));
  }

  private static List<Kernel> encoders(Draw draw, int tokens, int width, Placement memory) {
    List<Kernel> kernels = new ArrayList<>();
    ChannelOrder order = new ChannelOrder(draw.permutation(width), new int[] {0, width - width / 5});
    Encoding wide = new Encoding(SoftResetNeuron.WHOLE, order, EncodeOracle.dynamics(8, 1, 4), true);
    Encoding narrow = new Encoding(SoftResetNeuron.WHOLE, order, EncodeOracle.dynamics(4, 1, 2), true);
    for (Encoding encoding : List.of(wide, narrow, narrow.stepByStep())) {
      Tensor x = draw.normal(memory.tensor(DType.F32, tokens, width), 1);
      SpikeTrain train = EncodeOracle.train(encoding, tokens, memory);
      List<Tensor> outputs = new ArrayList<>(train.planes());
      outputs.addAll(List.of(train.thresholds(), train.zeros()));
      kernels.add(of("encode " + (encoding.collapsed() ? "at once" : "step by step"), draw, List.of(x), outputs,
          (s, from, to) -> s.encode(x.rows(from, to), encoding, slice(train, from, to))));
    }
    return kernels;
  }

  private static List<Kernel> attentions(Draw draw, int tokens, int width, Placement memory) {
    List<Kernel> kernels = new ArrayList<>();
    int headDim = Math.max(1, width / 5);
    for (CacheCase.Counts counts : new CacheCase.Counts[] {null, CacheCase.Counts.BYTES, CacheCase.Counts.FIVE}) {
      KeyValues cache = (counts == null ? CacheCase.floats(draw, 2, headDim, tokens + 5, memory)
          : CacheCase.spiking(draw, 2, headDim, tokens + 5, counts, memory)).cache();
      Tensor queries = draw.normal(memory.tensor(DType.F32, tokens, 4 * headDim), 1);
      Tensor out = memory.tensor(DType.F32, tokens, 4 * headDim);
      List<Tensor> inputs = new ArrayList<>(List.of(queries, cache.keys(), cache.values()));
      if (cache.spiking()) {
        inputs.addAll(List.of(cache.valueThresholds(), cache.valueZeros()));
      }
      kernels.add(of("attention over " + (counts == null ? "floats" : "spikes, " + counts), draw, inputs, List.of(out),
          (s, from, to) -> s.attention(queries.rows(from, to), cache, 3 + from, out.rows(from, to))));
    }
    return kernels;
  }
}
