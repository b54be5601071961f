package org.spikellm.tck;

import java.util.List;
import org.spikellm.api.DType;
import org.spikellm.api.Session;
import org.spikellm.tck.LinearCase.Form;
import org.spikellm.tck.LinearCase.Spikes;
import org.spikellm.tck.LinearCase.Weights;

/** Rule B.38. */
final class WeightTrainRules {

  private WeightTrainRules() {}

  /** Weights that are spike trains, alone and of three lengths beside levels, in groups of any widths. */
  static void weightTrains(Session session) {
    int turn = 0;
    for (int group : new int[] {LinearRules.WHOLE, 1, 7, 32, 128}) {
      for (int columns : Draw.RAGGED) {
        int rows = Draw.RAGGED[(turn * 5 + 3) % 13];
        LinearRules.exact(session, 1 + turn % 5, rows, trains(columns, turn, group),
            LinearRules.STORAGES.get(turn++ % LinearRules.STORAGES.size()));
      }
    }
    for (int columns : Draw.RAGGED) {
      for (int group : new int[] {LinearRules.WHOLE, 128}) {
        fewBits(session, 2 + turn % 2 * 2, Draw.RAGGED[(turn * 5 + 3) % 13], columns, group, 1 + turn++ % 5);
      }
    }
    Draw draw = new Draw("extreme spike trains of weights");
    for (DType type : new DType[] {DType.I8, DType.I16}) {
      LinearRules.check(session, draw, LinearCase.of(draw, 5, 33, trains(255, 2, 128), Weights.extreme(draw), Spikes.extreme(draw, type),
          Placement.ALIGNED), 0);
    }
    for (int group : new int[] {LinearRules.WHOLE, 7, 128}) {
      LinearRules.check(session, draw, LinearCase.of(draw, 5, 33, trains(255, 2, group), Weights.general(draw, 4, DType.F16),
          Spikes.general(draw, DType.I8, 1, 0), Placement.ALIGNED), 1);
      LinearRules.checkFloats(session, draw, LinearCase.weight(draw, 33, trains(255, 2, group),
          Weights.general(draw, 4, DType.F16), Placement.ALIGNED), 5);
    }
    for (int columns : Draw.RAGGED) {
      LinearRules.checkFloats(session, draw, LinearCase.weight(draw, 17, trains(columns, turn, 128), Weights.general(draw, 4, DType.F32),
          Placement.ALIGNED), 1 + turn++ % 5);
    }
  }

  /** Spikes of one step, in one class and in two, and counts of few bits, some of both signs. */
  private static void fewBits(Session session, int tokens, int rows, int columns, int group, int bits) {
    Draw draw = new Draw("spikes of one step in " + rows + " rows, " + columns + " columns, groups of " + group + ", " + tokens
        + " tokens with counts of " + bits + " bits");
    int low = bits % 2 == 0 ? -(1 << bits - 1) : 0;
    int high = low + (1 << bits) - 1;
    Weights powers = Weights.powers(draw, 2);
    Weights halves = new Weights(powers.code(), powers.zero(), DType.F16, powers.scale());
    Spikes few = new Spikes(DType.I8, 1, 0, () -> draw.between(low, high), () -> draw.between(low, high),
        () -> Math.scalb(1f, draw.between(-3, 3)));
    int salient = columns / 8;
    List<Form> one = List.of(Form.train(columns, group, 1));
    LinearRules.check(session, draw, LinearCase.of(draw, tokens, rows, one, halves, few, Placement.ALIGNED), 0);
    List<Form> two = List.of(Form.train(columns - salient, group, 1), Form.train(salient, group, 1));
    LinearRules.check(session, draw, LinearCase.of(draw, tokens, rows, two, halves, few, Placement.ALIGNED), 1);
  }

  private static List<Form> trains(int columns, int turn, int group) {
    int salient = columns / 4;
    return switch (turn % 5) {
      case 0 -> List.of(Form.train(columns, group, 1));
      case 1 -> List.of(Form.train(columns - salient, group, 1), Form.train(salient, group, 64));
      case 2 -> List.of(Form.train(columns - 2 * salient, group, 1), Form.train(salient, group, 2), Form.train(salient, group, 4));
      case 3 -> List.of(Form.train(columns - salient, group, 3), Form.train(0, group, 1), Form.train(salient, group, 8));
      default -> List.of(new Form(columns - salient, 4, group), Form.train(salient, group, 7));
    };
  }
}
