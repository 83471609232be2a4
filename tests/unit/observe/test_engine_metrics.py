"""Reading an engine's metrics text: counters in, one snapshot or a reason out."""

from inferfleet.domain.calibration import Unusable
from inferfleet.domain.refused import Refused
from inferfleet.engine.throughput import CounterSnapshot
from inferfleet.observe.engine_metrics import MOST_LINES, CacheFacts, read_metrics

TEXT = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 3.0
vllm:num_requests_running{engine="1",model_name="m"} 4.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="m"} 0.0
vllm:num_requests_waiting{engine="1",model_name="m"} 1.0
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{engine="0",model_name="m"} 1000.0
vllm:generation_tokens_total{engine="1",model_name="m"} 2000.0
# TYPE vllm:inter_token_latency_seconds histogram
vllm:inter_token_latency_seconds_bucket{le="0.01",engine="0",model_name="m"} 400.0
vllm:inter_token_latency_seconds_bucket{le="+Inf",engine="0",model_name="m"} 900.0
vllm:inter_token_latency_seconds_count{engine="0",model_name="m"} 900.0
vllm:inter_token_latency_seconds_sum{engine="0",model_name="m"} 18.0
# TYPE python_gc_objects_collected_total counter
python_gc_objects_collected_total{generation="0"} 1.0
"""


def refused(text: str) -> Refused[Unusable]:
    found = read_metrics(text, at_seconds=5.0).counters
    assert isinstance(found, Refused), found
    return found


def test_the_counters_of_all_engines_of_a_pod_are_summed() -> None:
    assert read_metrics(TEXT, at_seconds=5.0).counters == CounterSnapshot(
        at_seconds=5.0,
        generation_tokens=3000.0,
        token_latency_sum=18.0,
        token_latency_count=900.0,
        running=7.0,
        waiting=1.0,
    )


def test_the_histogram_of_older_releases_is_read_too() -> None:
    older = TEXT.replace("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds")
    assert isinstance(read_metrics(older, at_seconds=5.0).counters, CounterSnapshot)


def test_a_counter_whose_family_lacks_the_suffix_is_read_as_well() -> None:
    other = TEXT.replace("# TYPE vllm:generation_tokens_total", "# TYPE vllm:generation_tokens")
    assert isinstance(read_metrics(other, at_seconds=5.0).counters, CounterSnapshot)


def test_the_time_to_first_token_is_read_where_there_is_one() -> None:
    name = "vllm:time_to_first_token_seconds"
    more = f'# TYPE {name} histogram\n{name}_count{{engine="0"}} 20\n{name}_sum{{engine="0"}} 5.0\n'
    found = read_metrics(TEXT + more, at_seconds=5.0).counters
    assert isinstance(found, CounterSnapshot)
    assert (found.first_token_sum, found.first_token_count) == (5.0, 20.0)


def test_a_missing_counter_is_named() -> None:
    assert "vllm:generation_tokens_total" in refused(TEXT.replace("vllm:generation_tokens", "other")).message


def test_the_metrics_of_another_program_are_refused() -> None:
    assert "metrics without" in refused("# TYPE up gauge\nup 1\n").message


def test_an_empty_answer_is_refused() -> None:
    assert "metrics without" in refused("").message


def test_text_that_is_no_metrics_is_refused() -> None:
    assert "not in Prometheus text format" in refused("<html><body>502 Bad Gateway</body></html>").message


def test_a_counter_that_is_not_a_number_is_absurd() -> None:
    assert refused(TEXT.replace("} 18.0", "} NaN")).reason is Unusable.ABSURD


def test_a_negative_gauge_is_absurd() -> None:
    assert refused(TEXT.replace("} 3.0", "} -30.0")).reason is Unusable.ABSURD


def test_an_endless_answer_is_not_parsed() -> None:
    assert "at most" in refused("a" * 5_000_000).message


CACHE = '# TYPE vllm:cache_config_info gauge\nvllm:cache_config_info{block_size="16",num_gpu_blocks="4531"} 1.0\n'


def test_the_cache_is_read_beside_the_counters() -> None:
    assert read_metrics(TEXT + CACHE, at_seconds=5.0).cache == CacheFacts(blocks=4531, block_size=16)


def test_of_several_caches_in_a_pod_the_smallest_counts() -> None:
    more = 'vllm:cache_config_info{block_size="16",num_gpu_blocks="4000",engine="1"} 1.0\n'
    assert read_metrics(CACHE + more, at_seconds=5.0).cache == CacheFacts(blocks=4000, block_size=16)


def test_a_cache_that_does_not_exist_yet_says_so() -> None:
    found = read_metrics(CACHE.replace("4531", "None"), at_seconds=5.0).cache
    assert isinstance(found, Refused)
    assert "'None' blocks" in found.message


def test_thousands_of_lines_about_one_engine_are_absurd() -> None:
    lines = [f'vllm:num_requests_running{{engine="{number}"}} 1.0' for number in range(MOST_LINES + 1)]
    assert refused("\n".join(lines)).reason is Unusable.ABSURD
