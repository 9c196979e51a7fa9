;;; nnx-fix.el --- nnx-fix with eglot  -*- lexical-binding: t; -*-

;; Eglot is part of Emacs since 29; for Emacs 26 to 28, install it from GNU ELPA (M-x package-install RET eglot).
;; It runs one server for a buffer: this is nnx-fix alone. To have it beside another one, run that one's flake8 with the
;; plugin (pylsp), or join the servers with a multiplexer such as lspx or rassumfrassum.

;;; Code:

(require 'eglot)

(add-to-list 'eglot-server-programs '((python-mode python-ts-mode) . ("nnx-fix" "server")))

;; Settings of yours, over what pyproject.toml says:
;; (setq-default eglot-workspace-configuration '(:nnx (:targetFlax "0.12" :extendSelect ["NNX112"])))

(add-hook 'python-mode-hook #'eglot-ensure)
(add-hook 'python-ts-mode-hook #'eglot-ensure)

;; Repair what can be repaired safely before each save; eglot takes it for an error if there is nothing to repair:
;; (add-hook 'before-save-hook
;;           (lambda ()
;;             (when (eglot-managed-p)
;;               (ignore-errors (eglot-code-actions (point-min) (point-max) "source.fixAll.nnx" t)))))

(provide 'nnx-fix)
;;; nnx-fix.el ends here
