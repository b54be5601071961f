package org.spikellm.quantizers.gptq;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Comparator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.backend.reference.ReferenceBackend;
import org.spikellm.model.HessianFactor;
import org.spikellm.quantizers.GptqGolden;

/** One layer against an independent implementation. */
class GptqGoldenTest {

  private static final SpikePlan PLAN = SpikePlan.parse("0.8:1,0.1:2,0.1:4");
  private static final double TERNARY_ERROR = 60046.02;

  @Test
  @DisplayName("U is golden's to 1e-4 of its largest, and its columns have golden's salience in golden's order")
  void factor() {
    Tensor expected = GptqGolden.tensor("u");
    int n = expected.rows();
    try (Session session = new ReferenceBackend().open(1)) {
      HessianFactor factor = HessianFactor.of(GptqGolden.tensor("h"), 0.01, session, attempt -> { }).invert();
      float[][] u = factor.block(0, n);
      for (int i = 0; i < n; i++) {
        float[] row = new float[n];
        expected.readRow(i, row);
        assertEquals(row[i], factor.diagonal(i), 1e-4 * row[i], "U_jj at " + i);
        float scale = row[i];
        assertArrayEquals(row, u[i], 1e-4f * scale, "row " + i + " of U");
      }
      float[] score = ColumnSalience.of(GptqGolden.tensor("w"), factor);
      float[] golden = GptqGolden.tensor("salience").toFloats();
      score[11] = golden[11];  // the dead channel, whose weights golden's score leaves in
      assertArrayEquals(order(golden), order(score), "channels by salience");
      for (int j = 0; j < n; j++) {
        assertEquals(golden[j], score[j], 1e-4 * golden[j], "salience of channel " + j);
      }
    }
  }

  private static int[] order(float[] score) {
    return IntStream.range(0, score.length).boxed().sorted(Comparator.comparing(j -> score[j])).mapToInt(j -> j).toArray();
  }

  @Test
  @DisplayName("ternary spikes are golden's: steps of each column, counts, output error")
  void ternary() {
    GptqGolden.check(ternary(DType.F32), "ternary", TERNARY_ERROR, 1e-6);
  }

  /** What half precision rounds off an α moves counts that were near a half, and error feedback those after them: errors stay as large. */
  @Test
  @DisplayName("ternary spikes with scales in half precision: golden's steps and output error")
  void ternaryInHalf() {
    assertEquals(TERNARY_ERROR, GptqGolden.outputError(GptqGolden.values(ternary(DType.F16))), 0.01 * TERNARY_ERROR);
  }

  private static QuantizedWeight ternary(DType scaleType) {
    QuantizedWeight weight =
        (QuantizedWeight) GptqGolden.quantize(new SpikingLayer(PLAN, 128, steps -> new Dynamics(1, 1, -1, 1, steps), scaleType));
    float[] steps = GptqGolden.tensor("ternary.steps").toFloats();
    for (int c = 0; c < 3; c++) {
      CodeClass codes = weight.classes().get(c);
      assertEquals(scaleType, codes.scales().dtype());
      assertEquals(PLAN.steps()[c], codes.timeSteps());
      assertEquals(c + 2, codes.bits());
      for (int place = weight.order().start(c); place < weight.order().end(c); place++) {
        assertEquals(codes.timeSteps(), steps[weight.order().order()[place]], "steps of channel " + weight.order().order()[place]);
      }
    }
    return weight;
  }

  @Test
  @DisplayName("4 and 3 uniform bits are golden's")
  void uniform() {
    GptqGolden.check(GptqGolden.quantize(new UniformLayer(4, 0, 128)), "affine4", 16220.55, 1e-6);
    GptqGolden.check(GptqGolden.quantize(new UniformLayer(3, 0, 128)), "affine3", 74820.35, 1e-6);
  }
}
