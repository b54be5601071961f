package org.spikellm.launcher.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * A page that needs nothing else: style and scripts are in it. Its policy keeps the browser from the network, and from any script
 * but these, which it names by their hashes.
 */
final class Sheet {

  private static final String POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src";
  private static final List<String> CHARTS = List.of("echarts.min.js", "charts.js");
  private static final String TABLES = "tables.js";

  private Sheet() {}

  /**
   * The page.
   *
   * @param title in plain text
   * @param summary a sentence below it
   * @param program what made it
   * @param main writes the rest
   */
  static String of(String title, String summary, String program, Consumer<Markup> main) {
    Markup content = new Markup();
    main.accept(content);
    boolean charts = content.contains("class=\"chart\"");
    List<String> scripts = new ArrayList<>(List.of(resource(TABLES)));
    if (charts) {
      CHARTS.forEach(name -> scripts.add(resource(name)));
    }
    String policy = scripts.stream().map(Sheet::hash).collect(Collectors.joining(" ", POLICY + " ", ""));
    Markup out = new Markup();
    out.raw("<!DOCTYPE html>\n");
    out.open("html", "lang", "en").open("head").line();
    out.empty("meta", "charset", "utf-8").line();
    out.empty("meta", "http-equiv", "Content-Security-Policy", "content", policy).line();
    out.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1").line();
    out.element("title", title).line();
    out.open("style").raw(resource("report.css")).close().close().line();
    out.open("body").open("header").element("h1", title);
    out.element("p", summary).close().line();
    if (charts) {
      out.open("noscript").element("p", "The charts of this page are drawn by a script, and scripts are off here. What they show "
          + "is also in the words and tables below.", "class", "warning").close().line();
    }
    out.open("main").line().raw(content.toString());
    out.close().element("footer", "Made by " + program + "." + (charts ? " Charts: Apache ECharts." : "")).line();
    scripts.forEach(script -> out.open("script").raw(script).close().line());
    return out.close().close().toString() + "\n";
  }

  /** How a policy names a script. */
  private static String hash(String script) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(script.getBytes(StandardCharsets.UTF_8));
      return "'sha256-" + Base64.getEncoder().encodeToString(digest) + "'";
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);  // every Java has it
    }
  }

  private static String resource(String name) {
    try (InputStream in = Sheet.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
