"""The application that is measured: the product, and bare views under ``/bare``."""

from bson import ObjectId
from flask import jsonify, request
from mongoengine import get_db

from app import create_app
from jimeng import jobs
from jimeng.documents import utcnow

app = create_app()


@app.post("/bare")
def submit():
    body = request.get_json()
    prompt = str(body["prompt"]).strip()
    if not 0 < len(prompt) <= 800:
        return jsonify(error="prompt"), 422
    row = {"prompt": prompt, "user": str(body["user_id"]), "created_at": utcnow()}
    task_id = get_db().bare.insert_one(row).inserted_id
    jobs.huey.storage.conn.lpush("bare", str(task_id))
    return jsonify(task_id=str(task_id), status="pending"), 202


@app.get("/bare/<task_id>")
def look(task_id: str):
    row = get_db().bare.find_one({"_id": ObjectId(task_id)})
    return jsonify(task_id=task_id, prompt=row["prompt"], status="completed")
