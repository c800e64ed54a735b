/**
 * 轮询查询任务结果
 * @param {string} taskId - 任务ID
 * @param {number} maxAttempts - 最大尝试次数
 * @param {number} interval - 轮询间隔（毫秒）
 */
async function pollTaskResult(taskId, maxAttempts = 30, interval = 3000) {
    for (let i = 0; i < maxAttempts; i++) {
        try {
            const response = await fetch(`/api/v1/ai/image/result/${taskId}`);
            const result = await response.json();
            
            if (result.data.status === 'completed') {
                return result.data.result.image_url;
            } else if (result.data.status === 'failed') {
                throw new Error(`任务失败: ${result.data.message}`);
            }
            
            // 建议3-5秒轮询间隔
            await new Promise(resolve => setTimeout(resolve, interval));
        } catch (error) {
            console.error(`轮询第${i + 1}次失败:`, error);
            if (i === maxAttempts - 1) throw error;
        }
    }
    
    throw new Error('任务查询超时');
}

/**
 * 带重试机制的图像生成
 * @param {string} prompt - 提示词
 * @param {string} userId - 用户ID
 * @param {number} maxRetries - 最大重试次数
 */
async function createImageWithRetry(prompt, userId, maxRetries = 3) {
    for (let i = 0; i < maxRetries; i++) {
        try {
            // 创建任务
            const taskResponse = await fetch('/api/v1/ai/image/task', {
                method: 'POST',
                headers: { 'Content-Type': 'application/json' },
                body: JSON.stringify({ prompt, user_id: userId })
            });
            
            const taskResult = await taskResponse.json();
            if (!taskResult.success) {
                throw new Error(taskResult.message);
            }
            
            // 轮询结果
            return await pollTaskResult(taskResult.data.task_id);
            
        } catch (error) {
            console.error(`第${i + 1}次尝试失败:`, error);
            
            if (i === maxRetries - 1) throw error;
            
            // 指数退避策略
            const delay = Math.pow(2, i) * 1000;
            await new Promise(resolve => setTimeout(resolve, delay));
        }
    }
}
