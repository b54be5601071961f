import static org.lwjgl.util.shaderc.Shaderc.*;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Compiles every {@code NAME.comp} of a directory to {@code NAME.spv} in another one. What a device may lack is used under a
 * macro: a source that has some of them is compiled with each choice of them, to {@code NAME.MACRO….spv}. The build starts it;
 * what is newer than all sources is left as it is.
 */
public final class CompileShaders {

  private static final Pattern INCLUDE = Pattern.compile("(?m)^#include \"([^\"]+)\"$");
  private static final List<String> MACROS = List.of("INTEGER_DOT", "SUBGROUPS", "SHORTS");

  public static void main(String[] args) throws IOException {
    try {
      compileAll(args);
    } catch (LinkageError e) {
      System.err.println("shaderc cannot be loaded here (" + e.getMessage() + "): the vulkan backend is built without its "
          + "shaders");
    }
  }

  private static void compileAll(String[] args) throws IOException {
    Path sources = Path.of(args[0]);
    Path out = Path.of(args[1]);
    Files.createDirectories(out);
    List<Path> all;
    try (Stream<Path> files = Files.list(sources)) {
      all = files.sorted().toList();
    }
    long newest = 0;
    for (Path file : all) {
      newest = Math.max(newest, Files.getLastModifiedTime(file).toMillis());
    }
    List<Path> expected = new ArrayList<>();
    for (Path file : all) {
      if (!file.toString().endsWith(".comp")) {
        continue;
      }
      String name = file.getFileName().toString().replace(".comp", "");
      String text = included(file);
      List<String> used = MACROS.stream().filter(text::contains).toList();
      for (int choice = 0; choice < 1 << used.size(); choice++) {
        List<String> defined = new ArrayList<>();
        for (int i = 0; i < used.size(); i++) {
          if ((choice >> i & 1) != 0) {
            defined.add(used.get(i));
          }
        }
        String suffix = defined.stream().map(macro -> "." + macro.toLowerCase(Locale.ROOT)).collect(Collectors.joining());
        compile(text, file, defined, out.resolve(name + suffix + ".spv"), newest, expected);
      }
    }
    try (Stream<Path> files = Files.list(out)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".spv") && !expected.contains(f)).toList()) {
        Files.delete(file); // of a shader that is no more
      }
    }
  }

  private static String included(Path file) throws IOException {
    Matcher include = INCLUDE.matcher(Files.readString(file));
    StringBuilder text = new StringBuilder();
    while (include.find()) {
      include.appendReplacement(text, Matcher.quoteReplacement(included(file.resolveSibling(include.group(1)))));
    }
    return include.appendTail(text).toString();
  }

  private static void compile(String text, Path source, List<String> macros, Path out, long newest, List<Path> expected)
      throws IOException {
    expected.add(out);
    if (Files.exists(out) && Files.getLastModifiedTime(out).toMillis() > newest) {
      return;
    }
    long compiler = shaderc_compiler_initialize();
    long options = shaderc_compile_options_initialize();
    shaderc_compile_options_set_target_env(options, shaderc_target_env_vulkan, shaderc_env_version_vulkan_1_2);
    shaderc_compile_options_set_optimization_level(options, shaderc_optimization_level_performance);
    macros.forEach(macro -> shaderc_compile_options_add_macro_definition(options, macro, "1"));
    String name = source.getFileName().toString();
    long result = shaderc_compile_into_spv(compiler, text, shaderc_compute_shader, name, "main", options);
    if (shaderc_result_get_compilation_status(result) != shaderc_compilation_status_success) {
      System.err.println(source + ", with its includes in place:\n" + shaderc_result_get_error_message(result));
      System.exit(1);
    }
    ByteBuffer code = shaderc_result_get_bytes(result);
    byte[] bytes = new byte[code.remaining()];
    code.get(bytes);
    Files.write(out, bytes);
    shaderc_result_release(result);
    shaderc_compile_options_release(options);
    shaderc_compiler_release(compiler);
  }
}
