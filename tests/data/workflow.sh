#!/bin/bash

# 1. 创建任务
echo "创建图像生成任务..."
TASK_RESPONSE=$(curl -s -X POST http://localhost:8080/api/v1/ai/image/task \
  -H "Content-Type: application/json" \
  -d '{
    "prompt": "一只可爱的小猫咪在花园里玩耍",
    "user_id": "user_123",
    "model": "doubao-seedream-3.0-t2i",
    "size": "1024x1024"
  }')

TASK_ID=$(echo $TASK_RESPONSE | jq -r '.data.task_id')
echo "任务ID: $TASK_ID"

# 2. 轮询查询结果
echo "开始轮询查询结果..."
MAX_ATTEMPTS=30
ATTEMPT=0

while [ $ATTEMPT -lt $MAX_ATTEMPTS ]; do
  RESULT=$(curl -s -X GET "http://localhost:8080/api/v1/ai/image/result/$TASK_ID")
  STATUS=$(echo $RESULT | jq -r '.data.status')
  
  echo "第 $((ATTEMPT + 1)) 次查询，状态: $STATUS"
  
  if [ "$STATUS" = "completed" ]; then
    IMAGE_URL=$(echo $RESULT | jq -r '.data.result.image_url')
    echo "✅ 图像生成完成!"
    echo "🖼️  图像URL: $IMAGE_URL"
    break
  elif [ "$STATUS" = "failed" ]; then
    ERROR_MSG=$(echo $RESULT | jq -r '.data.message')
    echo "❌ 任务失败: $ERROR_MSG"
    break
  else
    echo "⏳ 任务处理中，等待3秒后重试..."
    sleep 3
  fi
  
  ATTEMPT=$((ATTEMPT + 1))
done

if [ $ATTEMPT -eq $MAX_ATTEMPTS ]; then
  echo "⏰ 任务查询超时"
fi
