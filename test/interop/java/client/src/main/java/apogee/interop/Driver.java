package apogee.interop;

import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONObject;
import com.alibaba.fastjson.serializer.SerializerFeature;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/**
 * Reads one JSON command a line from standard input, answers one JSON line each on standard output, in any order:
 * {"id":1,"command":"send",...} gives {"id":1,"result":...} or {"id":1,"error":"..."}. Ends at end of input.
 */
public final class Driver {
    interface Command {
        Object run(JSONObject arguments) throws Exception;
    }

    private final Map<String, Command> commands = new HashMap<>();
    private final ExecutorService workers = Executors.newCachedThreadPool();
    private final PrintStream answers;

    private Driver(PrintStream answers) {
        this.answers = answers;
    }

    public static void main(String[] args) throws Exception {
        PrintStream answers = new PrintStream(System.out, true, "UTF-8");
        System.setOut(System.err);
        Driver driver = new Driver(answers);
        HookRecords hooks = new HookRecords();
        Producers producers = new Producers(hooks);
        TransactionProducers transactionProducers = new TransactionProducers();
        PushConsumers pushConsumers = new PushConsumers(hooks);
        PullConsumers pullConsumers = new PullConsumers();
        LitePullConsumers litePullConsumers = new LitePullConsumers();
        Requests requests = new Requests(producers);
        hooks.addTo(driver.commands);
        producers.addTo(driver.commands);
        transactionProducers.addTo(driver.commands);
        pushConsumers.addTo(driver.commands);
        pullConsumers.addTo(driver.commands);
        new SqlConsumers().addTo(driver.commands);
        litePullConsumers.addTo(driver.commands);
        requests.addTo(driver.commands);
        new Timers(producers).addTo(driver.commands);
        Runnable stopAdmin = addAdmin(driver.commands);
        driver.commands.put("ping", arguments -> "pong");
        driver.serve();
        requests.stopAll();
        pushConsumers.stopAll();
        pullConsumers.stopAll();
        litePullConsumers.stopAll();
        transactionProducers.stopAll();
        producers.stopAll();
        stopAdmin.run();
        System.exit(0);
    }

    /** AdminClients is compiled only for the version that comes with the tools (see pom.xml). */
    @SuppressWarnings("unchecked")
    private static Runnable addAdmin(Map<String, Command> commands) throws Exception {
        try {
            Object admin = Class.forName("apogee.interop.AdminClients").getDeclaredConstructor().newInstance();
            ((Consumer<Map<String, Command>>) admin).accept(commands);
            return (Runnable) admin;
        } catch (ClassNotFoundException notInThisVersion) {
            return () -> { };
        }
    }

    private void serve() throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JSONObject request = JSON.parseObject(line);
            workers.execute(() -> answer(request));
        }
    }

    private void answer(JSONObject request) {
        JSONObject answer = new JSONObject();
        answer.put("id", request.get("id"));
        try {
            Command command = commands.get(request.getString("command"));
            if (command == null) {
                throw new IllegalArgumentException("no command " + request.getString("command"));
            }
            answer.put("result", command.run(request));
        } catch (Throwable problem) {
            StringWriter text = new StringWriter();
            problem.printStackTrace(new PrintWriter(text));
            answer.put("error", text.toString());
        }
        String line = JSON.toJSONString(answer, SerializerFeature.DisableCircularReferenceDetect);
        synchronized (answers) {
            answers.println(line);
        }
    }
}
