package org.spikellm.launcher.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Where the bytes are, before and after. */
final class SizeSection {

  private SizeSection() {}

  static void write(Markup out, QuantizationReport report) {
    out.open("section", "id", "sizes").element("h2", "Size");
    out.element("p", "Codes of a few bits take the place of 16- or 32-bit weights in the blocks' linear layers. Bits a "
        + "weight count all that a layer stores: codes, scales, zero points, the order of its channels. Over the blocks it is "
        + Numbers.two(report.bitsPerWeight())
        + ", norms and the ranges of keys and values included. Embeddings stay as they were, and so does "
        + "the head unless --head-bits 8 is given; in small models they weigh most.");
    List<Map<String, Object>> parts = report.parts().stream().map(part -> Map.<String, Object>of("name", part.name(), "values",
        List.of(part.source(), part.packed()))).toList();
    new Chart("parts", "Size of source and result, by part").with("categories", List.of("source", "result")).with("series", parts)
        .write(out, "Bytes of all tensors. Tokenizer files and headers are not counted.");
    table(out, report);
    out.close().line();
  }

  private static void table(Markup out, QuantizationReport report) {
    List<List<String>> rows = new ArrayList<>();
    for (SizePart part : report.parts()) {
      rows.add(List.of(part.name(), part.weights() == 0 ? "" : Numbers.whole(part.weights()), Numbers.bytes(part.source()),
          Numbers.bytes(part.packed()), part.weights() == 0 || part.source() == 0 ? "" : Numbers.two(part.sourceBits()),
          part.weights() == 0 || part.packed() == 0 ? "" : Numbers.two(part.packedBits())));
    }
    rows.add(List.of("all tensors", "", Numbers.bytes(report.sourceBytes()), Numbers.bytes(report.packedBytes())));
    new FigureTable("In numbers", "", 1, List.of("part", "weights", "source", "result", "bits a weight before", "after"), rows)
        .write(out);
  }
}
