package org.spikellm.launcher.text;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.lib.exptest.ExpTest;
import com.hubspot.jinjava.lib.filter.Filter;
import com.hubspot.jinjava.lib.fn.MacroFunction;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.spikellm.model.CheckpointException;

/**
 * Renders a chat template as Hugging Face's transformers does: blocks take the line end after them and the blanks before them,
 * a last line end is dropped, nothing is escaped, {@code raise_exception} refuses the conversation, and strings have Python's
 * methods. {@code strftime_now} is not defined, so that templates fall back to their fixed date and a prompt stays the same.
 */
final class JinjaTemplate {

  private static final int LONGEST_OUTPUT = 1 << 24;
  private static final Pattern FILTER = Pattern.compile("\\|\\s*([A-Za-z_]\\w*)");
  private static final Pattern TEST = Pattern.compile("\\bis\\s+(?:not\\s+)?([A-Za-z_]\\w*)");
  private static final Pattern CONDITIONAL_LOOP = Pattern.compile("(?s)-?\\s*for\\b.*\\bin\\b.*\\bif\\b(?!.*\\belse\\b).*");

  private JinjaTemplate() {}

  /** What is in the messages is text: template code in it is not run. */
  static String render(Path file, String source, Map<String, Object> variables) throws CheckpointException {
    Jinjava jinjava = new Jinjava(JinjavaConfig.newBuilder()
        .withTrimBlocks(true)
        .withLstripBlocks(true)
        .withNestedInterpretationEnabled(false)
        .withMaxOutputSize(LONGEST_OUTPUT)
        .withElResolver(PythonStrings.beforeDefaults())
        .withLegacyOverrides(LegacyOverrides.newBuilder()
            .withParseWhitespaceControlStrictly(true)
            .withUseTrimmingForNotesAndExpressions(true)
            .withKeepNullableLoopValues(true)
            .withUsePyishObjectMapper(true)
            .build())
        .build());
    Refusals refusals = new Refusals();
    Context globals = jinjava.getGlobalContext();
    globals.addGlobalMacro(new RaiseException(refusals));
    refuseWhatWouldBePassedOver(source, globals, refusals);

    RenderResult result;
    try {
      result = jinjava.renderForResult(source.endsWith("\n") ? source.substring(0, source.length() - 1) : source, variables);
    } catch (RuntimeException | LinkageError | StackOverflowError e) {
      throw new CheckpointException(file + ": the chat template cannot be rendered (" + e.getClass().getSimpleName() + " "
          + ModelFile.message(e) + "); correct it, or remove it to chat in plain lines", e);
    }
    if (refusals.first != null) {
      throw new CheckpointException(file + ": the chat template " + ModelFile.oneLine(refusals.first));
    }
    if (!result.getErrors().isEmpty()) {
      TemplateError error = result.getErrors().getFirst();
      throw new CheckpointException(file + ": the chat template cannot be rendered: line " + error.getLineno() + ": "
          + ModelFile.oneLine(error.getMessage()) + "; correct it, or remove it to chat in plain lines");
    }
    return result.getOutput();
  }

  /** The library renders a filter or test that it does not know as nothing, and loops over all where a condition is given. */
  private static void refuseWhatWouldBePassedOver(String source, Context globals, Refusals refusals) {
    for (String code : JinjaCode.in(source)) {
      if (CONDITIONAL_LOOP.matcher(code).matches()) {
        refusals.accept("uses 'for … if', which is not supported; write the condition inside the loop");
      }
      for (Matcher filter = FILTER.matcher(code); filter.find();) {
        if (globals.getFilter(filter.group(1)) == null) {
          globals.registerFilter(new UnknownFilter(filter.group(1), refusals));
        }
      }
      for (Matcher test = TEST.matcher(code); test.find();) {
        if (globals.getExpTest(test.group(1)) == null) {
          globals.registerExpTest(new UnknownTest(test.group(1), refusals));
        }
      }
    }
  }

  /** Why this rendering is worth nothing: the first reason counts. */
  private static final class Refusals implements Consumer<String> {

    private String first;

    @Override
    public void accept(String reason) {
      first = first == null ? reason : first;
    }
  }

  /** raise_exception(message) */
  private static final class RaiseException extends MacroFunction {

    private final Refusals refusals;

    RaiseException(Refusals refusals) {
      super(List.of(), "raise_exception", new LinkedHashMap<>(Map.of("message", "")), false, new Context(), 0, 0);
      this.refusals = refusals;
    }

    @Override
    public Object doEvaluate(Map<String, Object> named, Map<String, Object> keywords, List<Object> others) {
      refusals.accept("refuses this conversation: " + named.get("message"));
      return "";
    }
  }

  private record UnknownFilter(String getName, Consumer<String> refusals) implements Filter {

    @Override
    public Object filter(Object value, JinjavaInterpreter interpreter, String... arguments) {
      refusals.accept("uses the filter '" + getName + "', which is not known; correct it, or remove it to chat in plain lines");
      return value;
    }
  }

  private record UnknownTest(String getName, Consumer<String> refusals) implements ExpTest {

    @Override
    public boolean evaluate(Object value, JinjavaInterpreter interpreter, Object... arguments) {
      refusals.accept("uses the test 'is " + getName + "', which is not known; correct it, or remove it to chat in plain lines");
      return false;
    }
  }
}
