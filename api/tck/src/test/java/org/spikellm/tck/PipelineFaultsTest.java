package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.spikellm.api.BlockTask;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.Encoding;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.QuantizedBlock;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** The rules for pipelines bite: each broken pipeline fails the rules that it breaks, and no others. */
class PipelineFaultsTest {

  private static QuantizationPipeline subject;

  static final class Subject extends QuantizationPipelineContract {
    @Override
    protected QuantizationPipeline pipeline() {
      return subject;
    }

    @Override
    protected Session session(int threads) {
      return new NaiveSession(threads);
    }
  }

  private static Verdict verdict(QuantizationPipeline pipeline) {
    subject = pipeline;
    return Verdict.of(Subject.class);
  }

  public static final class Diverges extends NaivePipeline {
    @Override
    public QuantizedBlock quantize(BlockTask task, Session session) {
      return new QuantizedBlock(super.quantize(task, session).block(), new double[] {1, Double.NaN});
    }
  }

  /** Encodes by an order of its own. */
  public static final class OwnOrder extends NaivePipeline {
    @Override
    public QuantizedBlock quantize(BlockTask task, Session session) {
      Map<Projection, Encoding> encodings = new EnumMap<>(Projection.class);
      task.encodings().forEach((projection, e) -> {
        boolean[] salient = new boolean[e.order().channels()];
        salient[0] = true;
        encodings.put(projection, new Encoding(e.neuron(), ChannelOrder.of(salient), e.dynamics(), e.collapsed()));
      });
      return super.quantize(new BlockTask(task.index(), task.block(), task.spec(), task.neuron(), task.inputs(), encodings, task.keyValues(),
          task.calibration(), task.listener()), session);
    }
  }

  public static final class TooManyBits extends NaivePipeline {
    @Override
    QuantizedWeight weight(Tensor values, ChannelOrder order, BlockTask task) {
      QuantizationSpec s = task.spec();
      int bits = Math.min(8, s.weightBits() + 1);
      return super.weight(values, order, new BlockTask(0, task.block(), new QuantizationSpec(bits, s.activationBits(),
          s.timeSteps(), s.salient(), s.groupSize(), s.seed()), task.neuron(), task.inputs(), task.encodings(), task.keyValues(),
          task.calibration(), task.listener()));
    }
  }

  public static final class LeavesBits extends NaivePipeline {
    @Override
    QuantizedWeight weight(Tensor values, ChannelOrder order, BlockTask task) {
      QuantizedWeight weight = super.weight(values, order, task);
      for (CodeClass codes : weight.classes()) {
        if (codes.columns() * codes.bits() % 8 != 0) {
          int last = codes.codes().columns() - 1;
          codes.codes().setInt(0, last, codes.codes().getInt(0, last) | 0x80);
        }
      }
      return weight;
    }
  }

  public static final class Rolls extends NaivePipeline {
    private int calls;

    @Override
    QuantizedWeight weight(Tensor values, ChannelOrder order, BlockTask task) {
      QuantizedWeight weight = super.weight(values, order, task);
      Tensor scales = weight.classes().getFirst().scales();
      scales.setFloat(0, 0, scales.getFloat(0, 0) * (1 + 1e-6f * calls++));
      return weight;
    }
  }

  public static final class CountsThreads extends NaivePipeline {
    @Override
    public QuantizedBlock quantize(BlockTask task, Session session) {
      return new QuantizedBlock(super.quantize(task, session).block(), new double[] {((NaiveSession) session).threads});
    }
  }

  /** Works in the statistics that it was given. */
  public static final class FoldsInPlace extends NaivePipeline {
    @Override
    public QuantizedBlock quantize(BlockTask task, Session session) {
      QuantizedBlock result = super.quantize(task, session);
      float[] absMax = task.inputs().get(Projection.DOWN).absMax();
      absMax[0] += 1;
      return result;
    }
  }

  /** A scale past what a float product holds. */
  public static final class Overflows extends NaivePipeline {
    @Override
    QuantizedWeight weight(Tensor values, ChannelOrder order, BlockTask task) {
      QuantizedWeight weight = super.weight(values, order, task);
      if (task.spec().encodesActivations()) {
        weight.classes().getFirst().scales().setFloat(0, 0, Float.MAX_VALUE);
      }
      return weight;
    }
  }

  /** Rounds to the bits asked for, but never more than three. */
  public static final class ThreeAtMost extends NaivePipeline {
    @Override
    QuantizedWeight weight(Tensor values, ChannelOrder order, BlockTask task) {
      QuantizationSpec s = task.spec();
      return super.weight(values, order, new BlockTask(0, task.block(), new QuantizationSpec(Math.min(3, s.weightBits()),
          s.activationBits(), s.timeSteps(), s.salient(), s.groupSize(), s.seed()), task.neuron(), task.inputs(), task.encodings(),
          task.keyValues(), task.calibration(), task.listener()));
    }
  }

  @Test
  @DisplayName("a correct pipeline passes every rule")
  void correct() {
    Verdict verdict = verdict(new NaivePipeline());
    assertEquals(Map.of(), verdict.failed());
    assertEquals(Map.of(), verdict.aborted());
    assertEquals(12, verdict.passed().size(), "rules of the contract");
  }

  @TestFactory
  Stream<DynamicTest> faults() {
    return Stream.of(broken(new Diverges(), "Q.1"), broken(new OwnOrder(), "Q.2"), broken(new TooManyBits(), "Q.3"),
        broken(new LeavesBits(), "Q.3"), broken(new Rolls(), "Q.4"), broken(new CountsThreads(), "Q.4"),
        broken(new FoldsInPlace(), "Q.5"), broken(new Overflows(), "Q.6"), broken(new ThreeAtMost(), "Q.7"));
  }

  private static DynamicTest broken(QuantizationPipeline pipeline, String... rules) {
    return DynamicTest.dynamicTest(pipeline.getClass().getSimpleName() + ": " + String.join(", ", rules), () -> {
      Verdict verdict = verdict(pipeline);
      assertEquals(new TreeSet<>(Set.of(rules)), new TreeSet<>(verdict.failed().keySet()),
          () -> "rules that failed: " + verdict.failed());
    });
  }
}
