package org.spikellm.launcher.report;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.spikellm.api.BlockShape;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.Projection;
import org.spikellm.launcher.workflow.BlockRecord;
import org.spikellm.model.Json;
import org.spikellm.model.ModelConfig;
import org.spikellm.model.Perplexity;
import org.spikellm.model.RopeScaling;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/** Reports made up from a shape, and what is read from pages. */
final class Reports {

  private static final long SEED = 7;

  private Reports() {}

  /** A report on a model of {@code blocks} blocks; scores are drawn so that a few channels are far above the others. */
  static QuantizationReport of(BlockShape shape, int blocks, int epochs, List<String> warnings, Comparison comparison,
      String source) {
    SplittableRandom random = new SplittableRandom(SEED);
    List<BlockRecord> records = new ArrayList<>();
    List<List<LayerChannels>> layers = new ArrayList<>();
    for (int b = 0; b < blocks; b++) {
      double first = Math.exp(b / 4.0) * 1e-3;
      records.add(new BlockRecord(IntStream.range(0, epochs).mapToObj(e -> first / (1 + e)).toList(),
          b == 0 ? warnings : List.of(), Map.of(), 0.06, Double.NaN));
    }
    for (Projection projection : Projection.values()) {
      layers.add(IntStream.range(0, blocks).mapToObj(b -> layer(b, projection.tensorName(), shape.columns(projection), random))
          .toList());
    }
    for (String name : List.of(LayerChannels.KEYS, LayerChannels.VALUES)) {
      layers.add(IntStream.range(0, blocks).mapToObj(b -> layer(b, name, shape.kvHeads() * shape.headDim(), random)).toList());
    }
    ModelConfig config = new ModelConfig(shape, blocks, 1000, 2048, RopeScaling.plain(10_000), false, false, false, Map.of());
    Map<String, Object> made = new LinkedHashMap<>();
    made.put("quant_method", "spikellm");
    made.put("pipeline", Map.of("id", epochs > 0 ? "omniquant" : "rtn", "options", Map.of("epochs", String.valueOf(epochs))));
    made.put("neuron", Map.of("id", "gif", "options", Map.of()));
    made.put("salience", Map.of("id", "gradient", "options", Map.of()));
    made.put("weight_bits", 4L);
    made.put("activation_bits", 4L);
    made.put("steps", 2L);
    made.put("seed", 2L);
    made.put("calibration", Map.of("sha256", "c0ffee", "samples", 128L, "sequence", 2048L));
    List<SizePart> parts = List.of(new SizePart("mlp.down_proj", 1_000_000, true, 2_000_000, 520_000),
        new SizePart("embeddings", 500_000, false, 1_000_000, 1_000_000));
    return new QuantizationReport(Path.of(source), Path.of("out"), config, made,
        Map.of("pipeline", Map.of("alpha", "0.75", "epochs", "20")), records, layers, parts, 520_000, comparison,
        new RunFacts("spikellm test", "simd", "a device", 2, 12.5, 0, Instant.EPOCH));
  }

  static Comparison comparison() {
    return new Comparison("a text", Perplexity.of(List.of(Math.log(8), Math.log(12.5)), 256),
        Perplexity.of(List.of(Math.log(12.5), Math.log(12.5)), 256), null);
  }

  private static LayerChannels layer(int block, String name, int channels, SplittableRandom random) {
    double[] scores = random.doubles(channels).map(u -> u > 0.01 ? u : 1 / (u + 1e-3)).toArray();
    float[] floats = new float[channels];
    for (int i = 0; i < channels; i++) {
      floats[i] = (float) scores[i];
    }
    boolean[] salient = ChannelOrder.select(floats, 0.9);
    byte[] classOf = new byte[channels];
    for (int i = 0; i < channels; i++) {
      classOf[i] = (byte) (salient[i] ? 1 : 0);
    }
    return new LayerChannels(block, name, scores, classOf, List.of("1 time step", "2 time steps"));
  }

  /** The data of all charts within an element, in order. */
  static List<Map<String, Object>> charts(Element within) throws IOException {
    List<Map<String, Object>> charts = new ArrayList<>();
    for (Element script : elements(within, "script")) {
      if (script.getAttribute("type").equals("application/json")) {
        charts.add(Json.parseObject(script.getTextContent().getBytes(StandardCharsets.UTF_8), "a chart"));
      }
    }
    return charts;
  }

  /** A list of maps of a chart's data. */
  @SuppressWarnings("unchecked")
  static List<Map<String, Object>> maps(Map<String, Object> chart, String name) {
    return (List<Map<String, Object>>) chart.get(name);
  }

  /** A list of lists of numbers of it; what is null becomes NaN. */
  static List<double[]> rows(Map<String, Object> chart, String name) {
    return ((List<?>) chart.get(name)).stream().map(row -> ((List<?>) row).stream()
        .mapToDouble(value -> value == null ? Double.NaN : ((Number) value).doubleValue()).toArray()).toList();
  }

  /** A page without what its scripts say, which is no XML; those of charts' data remain. */
  static String withoutScripts(String page) {
    return page.replaceAll("(?s)<script>.*?</script>", "<script></script>");
  }

  /** A page read as XML, without asking anything outside it. */
  static Document parse(String page) throws IOException {
    try {
      DocumentBuilder builder = DocumentBuilderFactory.newInstance().newDocumentBuilder();
      builder.setEntityResolver((name, place) -> {
        throw new SAXException("the page asks for " + place);
      });
      builder.setErrorHandler(null);
      return builder.parse(new ByteArrayInputStream(withoutScripts(page).getBytes(StandardCharsets.UTF_8)));
    } catch (ParserConfigurationException | SAXException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  /** All elements of a name, in order, within another. */
  static List<Element> elements(Element within, String name) {
    NodeList found = within.getElementsByTagName(name);
    return IntStream.range(0, found.getLength()).mapToObj(i -> (Element) found.item(i)).toList();
  }

  /** The section of an id; null where there is none. */
  static Element section(Document page, String id) {
    return elements(page.getDocumentElement(), "section").stream().filter(s -> s.getAttribute("id").equals(id)).findFirst()
        .orElse(null);
  }

  /** Elements of a name and a class. */
  static List<Element> ofClass(Element within, String name, String style) {
    return elements(within, name).stream().filter(e -> e.getAttribute("class").equals(style)).toList();
  }
}
