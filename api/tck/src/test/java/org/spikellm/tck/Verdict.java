package org.spikellm.tck;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.LauncherConstants;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * What became of a contract's rules.
 *
 * @param failed the number of each rule that failed, with what it said; "class" for the contract as a whole
 * @param aborted the same for what was skipped
 * @param passed numbers of the rules that passed
 */
record Verdict(SortedMap<String, String> failed, SortedMap<String, String> aborted, List<String> passed) {

  /** Runs the contract {@code test}. */
  static Verdict of(Class<?> test) {
    Verdict verdict = new Verdict(new TreeMap<>(), new TreeMap<>(), new ArrayList<>());
    LauncherFactory.create().execute(LauncherDiscoveryRequestBuilder.request().selectors(selectClass(test))
        .configurationParameter(LauncherConstants.CAPTURE_STDOUT_PROPERTY_NAME, "false").build(),
        new TestExecutionListener() {
          @Override
          public void executionFinished(TestIdentifier test, TestExecutionResult result) {
            verdict.add(test, result);
          }
        });
    return verdict;
  }

  private void add(TestIdentifier test, TestExecutionResult result) {
    String rule = test.isTest() ? test.getDisplayName().split(" ")[0] : "class";
    String said = result.getThrowable().map(String::valueOf).orElse("");
    switch (result.getStatus()) {
      case FAILED -> failed.put(rule, said);
      case ABORTED -> aborted.put(rule, said);
      default -> {
        if (test.isTest()) {
          passed.add(rule);
        }
      }
    }
  }
}
