"""Valid objects that together set every field of every spec; a test says when a field is missing here.

In: nothing. Out: fresh dictionaries by a speaking name, so that a test may change its own copy.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import yaml

Document = dict[str, Any]

_REAL_TIME = """
kind: InferenceDeployment
metadata: {name: chat, namespace: default}
spec:
  model:
    id: meta-llama/Llama-3.1-8B-Instruct
    revision: main
    quantization: fp8
    source: HuggingFace
    tokenSecretRef: {name: hf, key: token}
    cache: {persistentVolumeClaim: {claimName: models}}
  workload: {class: RealTime, category: Inference, priority: Normal}
  traffic: {requestsPerSecond: "4", requestsPerMonth: 2000000, inputTokens: 800, outputTokens: 300}
  objectives: {timePerOutputTokenMilliseconds: 50, timeToFirstTokenMilliseconds: 2000}
  engine:
    name: vLLM
    version: "0.32.0"
    image: vllm/vllm-openai:v0.32.0
    maxModelLen: 8192
    minModelLen: 4096
    maxNumSeqs: 256
    maxNumBatchedTokens: 8192
    gpuMemoryUtilization: "0.90"
    kvCacheDtype: auto
    extraArgs: ["--enable-prefix-caching"]
    apiKeySecretRef: {name: engine, key: api-key}
  placement:
    gpuTypes: [nvidia-l40s-48gb]
    pools: [l40s-od]
    regions: [eu-west-1]
    maxTensorParallelSize: 8
    spotPolicy: Never
    mixedGPUTypes: Never
    rebalance: {policy: Never, minSavingPercent: 15, horizonHours: 168, cooldownSeconds: 3600}
  replicas: 3
  scaling: {minReplicas: 1, maxReplicas: 6, reserve: Current}
  compliance: {standards: [GDPR], dataResidency: [eu], airGapped: false}
  alternative: {provider: openai, model: gpt-4o-mini}
"""

_BATCH_IN_VOLUMES = """
kind: InferenceDeployment
metadata: {name: nightly, namespace: default}
spec:
  model: {profileRef: {name: my-model}, source: PersistentVolumeClaim, claimName: weights, path: llm/9b}
  workload: {class: Batch}
  batch:
    input: {persistentVolumeClaim: {claimName: prompts, path: in.jsonl}}
    output: {persistentVolumeClaim: {claimName: prompts, path: out/}}
    requests: 100000
    inputTokens: 1000
    outputTokens: 500
    deadlineSeconds: 28800
    maxParallelism: 8
"""

_BATCH_IN_OBJECT_STORES = """
kind: InferenceDeployment
metadata: {name: nightly, namespace: default}
spec:
  model: {id: acme/llm-9b}
  workload: {class: Batch}
  batch:
    input:
      s3: {bucket: prompts, key: in.jsonl, endpoint: "https://minio.example", credentialsSecretRef: {name: s3}}
    output:
      s3: {bucket: prompts, key: out/, endpoint: "https://minio.example", credentialsSecretRef: {name: s3}}
"""

_BATCH_BEHIND_SECRET_URLS = """
kind: InferenceDeployment
metadata: {name: nightly, namespace: default}
spec:
  model: {id: acme/llm-9b}
  workload: {class: Batch}
  batch:
    input: {urlSecretRef: {name: prompts, key: input}}
    output: {urlSecretRef: {name: prompts, key: output}}
"""

_BATCH_BEHIND_A_PUBLIC_URL = """
kind: InferenceDeployment
metadata: {name: nightly, namespace: default}
spec:
  model: {id: acme/llm-9b}
  workload: {class: Batch}
  batch:
    input: {url: "https://example.com/in.jsonl"}
    output: {persistentVolumeClaim: {claimName: results, path: out.jsonl}}
"""

_POOL = """
kind: GPUPool
metadata: {name: l40s-od}
spec:
  gpuType: nvidia-l40s-48gb
  gpusPerNode: 4
  capacityType: OnDemand
  nodeSelector: {inferfleet.dev/pool: l40s-od}
  tolerations:
  - {key: nvidia.com/gpu, operator: Exists, effect: NoExecute, tolerationSeconds: 60}
  - {key: team, value: a}
  gpuResourceName: nvidia.com/gpu
  nodeAllocatable: {cpu: "44", memory: 340Gi, ephemeral-storage: 1Ti}
  region: eu-west-1
  minNodes: 0
  maxNodes: 8
  usdPerGPUHour: "1.60"
  interconnect: PCIe
  namespaceSelector:
    matchLabels: {team: a}
    matchExpressions: [{key: stage, operator: In, values: [prod]}, {key: gpu, operator: Exists}]
  compliance: {standards: [GDPR, SOC2], dataResidency: [eu], airGapped: false}
"""

_GPU_TYPE = """
kind: GPUType
metadata: {name: nvidia-l40s-48gb}
spec:
  product: NVIDIA L40S
  memoryMiB: 46068
  memoryBandwidthGBps: 864
  denseTFLOPS: {bf16: "362", fp16: "362", fp8: "733", int8: "733", fp4: "1466.5"}
  computeCapability: "8.9"
  interconnect: PCIe
  labels: [{key: nvidia.com/gpu.product, value: NVIDIA-L40S}]
  prices:
  - {capacityType: OnDemand, usdPerGPUHour: "1.60", source: price list, date: "2026-11-01"}
  - {capacityType: Spot, usdPerGPUHour: "0.80", source: price list, date: "2026-11-01"}
"""

_MODEL_PROFILE = """
kind: ModelProfile
metadata: {name: my-model}
spec:
  id: acme/llm-9b
  config:
    hiddenSize: 4096
    numHiddenLayers: 32
    numAttentionHeads: 32
    numKeyValueHeads: 8
    headDim: 128
    intermediateSize: 14336
    vocabSize: 128256
    tieWordEmbeddings: false
    maxPositionEmbeddings: 131072
    mlpMatrices: 3
    numExperts: 8
    numExpertsPerTok: 2
    moeIntermediateSize: 1024
    nSharedExperts: 1
    sharedExpertIntermediateSize: 512
    firstKDenseReplace: 1
    kvLoraRank: 512
    qLoraRank: 1536
    qkRopeHeadDim: 64
    qkNopeHeadDim: 128
    vHeadDim: 128
    slidingWindow: 4096
    numSlidingLayers: 16
    fullAttentionInterval: 4
    linearNumValueHeads: 32
    linearNumKeyHeads: 16
    linearKeyHeadDim: 128
    linearValueHeadDim: 128
    globalHeadDim: 512
    numGlobalKeyValueHeads: 2
    numKvSharedLayers: 2
    crossAttentionLayers: 4
    visionParameters: 665000000
  parameters: 9000000000
  weightBytes: 9000000000
  quantization: fp8
  qualityScore: "0.7"
  calibrations:
  - gpuType: nvidia-l40s-48gb
    tensorParallelSize: 1
    engineVersion: "0.32.0"
    weightsGiB: "8.49"
    activationGiB: "1.20"
    nonTorchGiB: "0.10"
    cudaGraphGiB: "0.94"
    speedFactor: "1.05"
"""

_BUDGET = """
kind: BudgetPolicy
metadata: {name: team-a}
spec:
  namespaceSelector: {matchLabels: {team: a}, matchExpressions: [{key: stage, operator: NotIn, values: [test]}]}
  usdPerMonth: "5000"
  timeZone: Europe/Berlin
  categories: [{name: Inference, usdPerMonth: "3000"}]
  allowedCategories: [Inference, Experimentation]
  maxPriority: High
  commitments:
  - name: finetune-cluster
    category: FineTuning
    gpuType: nvidia-a100-80gb
    gpus: 4
    hoursPerMonth: "40"
    usdPerGPUHour: "2.75"
  allowedGPUTypes: [nvidia-l40s-48gb]
  spot: {realTime: Never, batchFallback: OnDemand}
  engine: {allowedImages: ["vllm/vllm-openai:"], requireDigest: false, allowedArgs: ["--enable-prefix-caching"]}
  cohort: {name: ml, lendLimitUSDPerMonth: "1000", borrowLimitUSDPerMonth: "500"}
  enforcement: Enforce
  onExceeded: Hold
"""

_ROUTE = """
kind: InferenceRoute
metadata: {name: chat, namespace: default}
spec:
  modelName: chat
  strategy: Weighted
  selfHostedPrice: Marginal
  replicas: 2
  redisSecretRef: {name: redis, key: url}
  backends:
  - {name: fleet, deploymentRef: {name: chat}, weight: 15, priority: 2, qualityScore: "0.6"}
  - name: openai
    provider:
      model: openai/gpt-4o-mini
      apiKeySecretRef: {name: k, key: v}
      apiBase: https://api.example/v1
    weight: 60
    priority: 1
    qualityScore: "0.9"
    limits: {requestsPerMinute: 500, tokensPerMinute: 200000, maxParallelRequests: 100}
  budget: {usdPerMonth: "300"}
"""

_TEXTS = {
    "real time": _REAL_TIME,
    "batch in volumes": _BATCH_IN_VOLUMES,
    "batch in object stores": _BATCH_IN_OBJECT_STORES,
    "batch behind secret URLs": _BATCH_BEHIND_SECRET_URLS,
    "batch behind a public URL": _BATCH_BEHIND_A_PUBLIC_URL,
    "pool": _POOL,
    "GPU type": _GPU_TYPE,
    "model profile": _MODEL_PROFILE,
    "budget": _BUDGET,
    "route": _ROUTE,
}

GOOD = tuple(_TEXTS)
"""The names of the good objects."""


def good(name: str) -> Document:
    """Return a fresh copy of a good object."""
    return {"apiVersion": "inferfleet.dev/v1alpha1", **copy.deepcopy(_loaded(name))}


@cache
def _loaded(name: str) -> Document:
    document: Document = yaml.safe_load(_TEXTS[name])
    return document
