package org.spikellm.launcher.report;

import java.util.List;

/** Where the bytes are, before and after. */
final class SizeSection {

  private static final double WIDTH = 800;

  private SizeSection() {}

  static void write(Markup out, QuantizationReport report) {
    out.open("section", "id", "sizes").element("h2", "Size");
    out.element("p", "Codes of a few bits take the place of 16- or 32-bit weights in the blocks' linear layers. Bits a "
        + "weight count all that a layer stores: codes, scales, zero points, the order of its channels. Over the blocks it is "
        + Numbers.two(report.bitsPerWeight())
        + ", norms and the ranges of keys and values included. Embeddings stay as they were, and so does "
        + "the head unless --head-bits 8 is given; in small models they weigh most.");
    out.open("figure");
    bars(out, report);
    out.element("figcaption", "Bytes of all tensors, by part. Tokenizer files and headers are not counted.");
    out.close();
    table(out, report);
    out.close().line();
  }

  private static void bars(Markup out, QuantizationReport report) {
    List<SizePart> parts = report.parts();
    double scale = WIDTH / Math.max(1, Math.max(report.sourceBytes(), report.packedBytes()));
    out.open("svg", "viewBox", "0 0 900 100", "role", "img", "aria-label", "Size of source and result, by part", "class", "bars");
    for (int side = 0; side < 2; side++) {
      int y = side * 50;
      out.element("text", side == 0 ? "source" : "result", "x", "82", "y", String.valueOf(y + 23), "class", "tick y");
      double x = 90;
      for (int i = 0; i < parts.size(); i++) {
        long bytes = side == 0 ? parts.get(i).source() : parts.get(i).packed();
        double width = scale * bytes;
        if (width > 0) {
          out.open("rect", "x", Numbers.at(x), "y", String.valueOf(y + 4), "width", Numbers.at(Math.max(0.1, width)),
              "height", "38", "class", "part", "fill", colour(i, parts.size()));
          out.element("title", parts.get(i).name() + ": " + Numbers.bytes(bytes)).close();
          x += width;
        }
      }
    }
    out.close().line();
  }

  private static String colour(int part, int parts) {
    return LineChart.colour(LossSection.hue(part, parts));
  }

  private static void table(Markup out, QuantizationReport report) {
    out.open("table").open("thead").open("tr");
    for (String head : List.of("part", "weights", "source", "result", "bits a weight before", "after")) {
      out.element("th", head, "scope", "col");
    }
    out.close().close().open("tbody").line();
    for (int i = 0; i < report.parts().size(); i++) {
      SizePart part = report.parts().get(i);
      out.open("tr").open("th", "scope", "row")
          .element("i", "", "class", "key", "style", "background:" + colour(i, report.parts().size()))
          .text(part.name()).close();
      out.element("td", part.weights() == 0 ? "" : Numbers.whole(part.weights()));
      out.element("td", Numbers.bytes(part.source())).element("td", Numbers.bytes(part.packed()));
      out.element("td", part.weights() == 0 || part.source() == 0 ? "" : Numbers.two(part.sourceBits()));
      out.element("td", part.weights() == 0 || part.packed() == 0 ? "" : Numbers.two(part.packedBits())).close().line();
    }
    out.close().open("tfoot").open("tr").element("th", "all tensors", "scope", "row").element("td", "");
    out.element("td", Numbers.bytes(report.sourceBytes())).element("td", Numbers.bytes(report.packedBytes()));
    out.element("td", "").element("td", "").close().close().close().line();
  }
}
