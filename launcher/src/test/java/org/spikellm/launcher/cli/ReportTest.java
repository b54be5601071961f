package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringReader;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.spikellm.model.Json;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

/** {@code quantize --report}: from a model to the page about it. */
class ReportTest {

  private static final String MODEL = ModelCopy.ORIGINAL.toString();

  @TempDir
  private Path temporary;

  @Test
  void thePageHasTheFiguresOfTheRun() throws Exception {
    Path out = temporary.resolve("out");
    Path file = temporary.resolve("report.html");
    Program run = Program.run("quantize", MODEL, out.toString(), "--pipeline", "omniquant", "--option", "omniquant.epochs=2",
        "--samples", "2", "--sequence", "32", "--quiet", "--json", "--report", file.toString());
    assertEquals(0, run.status(), run.err());
    Map<String, Object> result = Json.parseObject(run.out().getBytes(StandardCharsets.UTF_8), "standard output");
    assertEquals(file.toString(), result.get("report"));
    Document page = DocumentBuilderFactory.newInstance().newDocumentBuilder()
        .parse(new InputSource(new StringReader(Files.readString(file)
            .replaceAll("(?s)<script>.*?</script>", ""))));

    Element losses = section(page, "losses");
    List<?> trained = (List<?>) result.get("loss");
    assertEquals(6, trained.size(), "blocks that were trained");
    List<String> cells = texts((Element) losses.getElementsByTagName("tbody").item(0), "td");
    for (int b = 0; b < trained.size(); b++) {
      Map<?, ?> loss = (Map<?, ?>) trained.get(b);
      assertEquals(List.of(three(loss.get("first")), three(loss.get("last"))), cells.subList(4 * b, 4 * b + 2), "block " + b);
    }

    Element salience = section(page, "salience");
    assertEquals(9, salience.getElementsByTagName("article").getLength(), "seven projections, keys, values");
    assertEquals(9 * 6, IntStream.range(0, 9).map(i -> rows(salience, i)).sum(), "a row a block in each table");
    assertTrue(salience.getTextContent().contains("512 channels in each block. Plain: 1 time step, 4-bit weights. Salient: "
        + "2 time steps"));

    String perplexity = section(page, "perplexity").getTextContent();
    String text = ModelCopy.ORIGINAL.resolve("evaluation.txt").toString();
    Program evaluated = Program.run("evaluate", MODEL, out.toString(), "--text", text, "--sequence", "256",
        "--limit", "16", "--quiet", "--json");
    Map<?, ?> models = (Map<?, ?>) Json.parseObject(evaluated.out().getBytes(StandardCharsets.UTF_8), "evaluate").get("models");
    for (Object model : models.values()) {
      Map<?, ?> figure = (Map<?, ?>) ((Map<?, ?>) ((Map<?, ?>) model).get("perplexity")).values().iterator().next();
      assertTrue(perplexity.contains(String.format(Locale.ROOT, "%.2f", (Double) figure.get("value"))), figure + " in "
          + perplexity);
      assertTrue(perplexity.contains(figure.get("windows") + " windows of 256 tokens"), figure + " in " + perplexity);
    }

    String sizes = section(page, "sizes").getTextContent();
    assertTrue(sizes.contains(String.format(Locale.ROOT, "%.2f", (Double) result.get("bits_per_weight"))), sizes);
    String provenance = section(page, "provenance").getTextContent();
    Map<?, ?> made = (Map<?, ?>) Json.readObject(out.resolve("config.json")).get("quantization_config");
    for (Object part : new Object[] {((Map<?, ?>) made.get("source")).get("sha256"), ((Map<?, ?>) made.get("calibration"))
        .get("sha256"),
        "omniquant with alpha = 0.75, aug-loss = false, epochs = 2, ", "gradient", "gif", "spikellm 0.1.0"}) {
      assertTrue(provenance.contains(part.toString()), part + " in " + provenance);
    }
  }

  @Test
  void aPipelineThatDoesNotTrainAndChannelsThatAreAllAlike() throws IOException {
    Path out = temporary.resolve("out");
    Program run = Program.run("quantize", MODEL, out.toString(), "--pipeline", "rtn", "--activation-bits", "16", "--samples", "1",
        "--sequence", "16", "--quiet", "--report", out.resolve("report.html").toString());
    assertEquals(0, run.status(), run.err());
    assertTrue(run.out().contains("bits a weight"), run.out());
    String page = Files.readString(out.resolve("report.html"));
    assertTrue(page.contains("rtn computed its weights in one pass"));
    assertTrue(page.contains("No channel was scored and none is salient"));
    assertTrue(page.contains("none: activations stay in float"));
    assertEquals(0, Program.run("inspect", out.toString()).status(), "a report beside the tensors does no harm");
  }

  @Test
  void aPlaceThatCannotBeWrittenIsRefusedBeforeTheWork() throws IOException {
    Path out = temporary.resolve("out");
    Path text = Files.writeString(temporary.resolve("notes.txt"), "keep");
    for (Path place : List.of(temporary.resolve("gone/report.html"), temporary, text)) {
      Program run = Program.run("quantize", MODEL, out.toString(), "--report", place.toString(), "--quiet");
      assertEquals(1, run.status(), run.err());
      assertEquals(1, run.complaints().size(), run.err());
      assertTrue(run.err().startsWith("spikellm: " + place + ": "), run.err());
      assertFalse(Files.exists(out) || Files.exists(temporary.resolve("out.partial")), "something was begun");
    }
    assertEquals("keep", Files.readString(text));
  }

  private static Element section(Document page, String id) {
    NodeList sections = page.getElementsByTagName("section");
    return IntStream.range(0, sections.getLength()).mapToObj(i -> (Element) sections.item(i))
        .filter(section -> section.getAttribute("id").equals(id)).findFirst().orElseThrow();
  }

  private static List<String> texts(Element within, String name) {
    NodeList found = within.getElementsByTagName(name);
    return IntStream.range(0, found.getLength()).mapToObj(i -> found.item(i).getTextContent()).toList();
  }

  private static int rows(Element salience, int article) {
    Element body = (Element) ((Element) salience.getElementsByTagName("article").item(article)).getElementsByTagName("tbody")
        .item(0);
    return body.getElementsByTagName("tr").getLength();
  }

  /** Three digits, as the losses of the demo model need no exponent. */
  private static String three(Object number) {
    return new BigDecimal((Double) number).round(new MathContext(3)).stripTrailingZeros().toPlainString();
  }
}
