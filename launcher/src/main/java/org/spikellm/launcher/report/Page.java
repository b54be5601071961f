package org.spikellm.launcher.report;

import java.nio.file.Path;

/** The page about a quantization. */
public final class Page {

  private Page() {}

  /** The page of a report. */
  public static String of(QuantizationReport report) {
    Path name = report.source().toAbsolutePath().normalize().getFileName();
    String title = (name == null ? report.source() : name) + ", quantized with " + report.provider("pipeline");
    return Sheet.of(title, summary(report), report.run().program(), out -> {
      figures(out, report);
      words(out);
      PerplexitySection.write(out, report);
      LossSection.write(out, report);
      SalienceSection.write(out, report);
      SizeSection.write(out, report);
      ProvenanceSection.write(out, report);
    });
  }

  private static String summary(QuantizationReport report) {
    String weights = "16".equals(String.valueOf(report.made().get("weight_bits"))) ? "Weights as they were"
        : report.made().get("weight_bits") + "-bit weights";
    return weights + (report.provider("neuron") == null ? "; activations stay in float."
        : "; activations, keys and values as spikes of " + report.provider("neuron") + " neurons, "
            + report.made().get("activation_bits") + " bits a time step, " + report.made().get("steps") + " time steps for "
            + "the salient channels.");
  }

  private static void figures(Markup out, QuantizationReport report) {
    out.open("div", "class", "figures");
    Comparison comparison = report.comparison();
    if (comparison.failure() == null) {
      figure(out, "perplexity", Numbers.two(comparison.before().value()) + " → " + Numbers.two(comparison.after().value()),
          PerplexitySection.difference(comparison.before().value(), comparison.after().value()));
    }
    figure(out, "size", Numbers.bytes(report.sourceBytes()) + " → " + Numbers.bytes(report.packedBytes()),
        Numbers.percent(report.packedBytes() / (double) Math.max(1, report.sourceBytes())) + " of the source");
    figure(out, "bits a weight", Numbers.two(report.bitsPerWeight()), "in the blocks, with all they store");
    figure(out, "blocks", String.valueOf(report.blocks().size()), "in " + Numbers.duration(report.run().seconds()));
    out.close().line();
  }

  private static void figure(Markup out, String name, String value, String note) {
    out.open("div").element("span", name).element("strong", value).element("small", note).close();
  }

  private static void words(Markup out) {
    out.open("details", "class", "words").element("summary", "New to spiking models?").open("dl");
    word(out, "Spike", "A neuron of this model does not hand on a real number but fires whole spikes, a few levels high, "
        + "over one or more time steps. The number it stands for is the count of spikes times a scale. A layer then only "
        + "adds weights up, which is what makes such models attractive for hardware.");
    word(out, "Time steps", "A neuron with more steps can fire more spikes, so that its values are told apart more finely, "
        + "and costs more.");
    word(out, "Channel", "One place of a layer's input vector, and the column of weights that belongs to it.");
    word(out, "Salient channel", "A channel in which an error does much harm. It gets more time steps than the plain ones.");
    word(out, "Block", "One of the model's layers of attention and MLP. Blocks are quantized one after the other, each on "
        + "what the spiking blocks before it hand on.");
    word(out, "Calibration", "Windows of a text that are sent through the model to see what its activations look like.");
    out.close().close().line();
  }

  private static void word(Markup out, String word, String meaning) {
    out.element("dt", word).element("dd", meaning);
  }
}
